"""The children of a quartier are found without reading those of all: mediators ask for theirs all day."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_index("ix_child_zone", "child", ["zone_id", "status"])
