"""Messages that are said in a call, and the phones whose holders chose that."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("message", sa.Column("medium", sa.String(length=5), server_default="sms", nullable=False))
    op.add_column("message", sa.Column("recording", sa.String(length=40), nullable=True))
    op.add_column("phone", sa.Column("by_voice", sa.Boolean(), server_default=sa.false(), nullable=False))
    waits = sa.text("state = 'queued' AND medium = 'voice'")
    op.create_index(
        "ix_message_call",
        "message",
        [sa.literal_column("priority DESC"), "not_before"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
