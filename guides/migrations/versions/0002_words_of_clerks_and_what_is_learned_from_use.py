"""words of clerks, and what is learned from use"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _code(length: int) -> sa.String:
    # Ordered by its characters, whatever the language of the database.
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "synonym_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_synonym_group")),
        # A number that was given once is never given again: whoever removes it late must not remove another.
        sqlite_autoincrement=True,
    )
    op.create_table(
        "best_bet",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("query", sa.String(length=200), nullable=False),
        sa.Column("exact", sa.String(length=200), nullable=False),
        sa.Column("item_code", _code(20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item_code"], ["item.code"], name=op.f("fk_best_bet_item_code_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_best_bet")),
        sa.UniqueConstraint("exact", "item_code", name=op.f("uq_best_bet_exact_item_code")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_best_bet_item_code"), "best_bet", ["item_code"], unique=False)
    op.create_table(
        "search_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=12), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("query", sa.String(length=200), nullable=False),
        sa.Column("division_code", _code(9), nullable=True),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("was_confident", sa.Boolean(), nullable=False),
        sa.Column("engine", sa.String(length=20), nullable=False),
        sa.Column("opened_item", _code(20), nullable=True),
        sa.Column("opened_rank", sa.Integer(), nullable=True),
        sa.Column("printed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_use")),
    )
    op.create_index(op.f("ix_search_use_token"), "search_use", ["token"], unique=False)
    op.create_index(op.f("ix_search_use_at"), "search_use", ["at"], unique=False)
    op.create_table(
        "dismissed_proposal",
        sa.Column("query", sa.String(length=200), nullable=False),
        sa.Column("item_code", _code(20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("query", "item_code", name=op.f("pk_dismissed_proposal")),
    )


def downgrade() -> None:
    op.drop_table("dismissed_proposal")
    op.drop_table("search_use")
    op.drop_table("best_bet")
    op.drop_table("synonym_group")
