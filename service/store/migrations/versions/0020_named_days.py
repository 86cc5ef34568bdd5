"""The day that a message named to whoever is late: where it falls away, that family is asked pardon too."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("message_appointment", sa.Column("named_on", sa.Date(), nullable=True))
