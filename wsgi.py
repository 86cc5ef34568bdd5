"""The web application for any WSGI server: `granian wsgi:app --interface wsgi`, or simply `laseli serve`."""

from service import logs
from service.app import create_app
from service.config import Config
from service.runtime import build_runtime

config = Config.from_env()
logs.configure(config.log_level)
app = create_app(build_runtime(config))
