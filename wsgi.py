"""The web application for any WSGI server: `granian wsgi:app --interface wsgi`, or simply `laseli serve`."""

import gc

from service import logs
from service.app import create_app
from service.config import Config
from service.runtime import build_runtime

config = Config.from_env()
logs.configure(config.log_level)
app = create_app(build_runtime(config))

# What was loaded stays: the collector need not look through it at every turn.
gc.collect()
gc.freeze()
