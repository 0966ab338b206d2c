"""the tables of the first version"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _code(length: int) -> sa.String:
    # Ordered by its characters, whatever the language of the database.
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "division",
        sa.Column("code", _code(9), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("parent_code", _code(9), nullable=True),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["parent_code"], ["division.code"], name=op.f("fk_division_parent_code_division")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_division")),
    )
    op.create_table(
        "item_type",
        sa.Column("code", _code(2), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_item_type")),
        sa.UniqueConstraint("name", name=op.f("uq_item_type_name")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item_code", _code(20), nullable=False),
        sa.Column("guide_code", _code(40), nullable=True),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_created_at", ["created_at"], unique=False)

    op.create_table(
        "outbox_sequence",
        sa.Column("name", sa.String(length=10), nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_outbox_sequence")),
    )
    op.create_table(
        "theme",
        sa.Column("audience", sa.String(length=10), nullable=False),
        sa.Column("code", _code(3), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("audience", "code", name=op.f("pk_theme")),
    )
    op.create_table(
        "department",
        sa.Column("code", _code(24), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("sector", sa.String(length=500), nullable=False),
        sa.Column("division_code", _code(9), nullable=False),
        sa.Column("nature", sa.String(length=10), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["division_code"], ["division.code"], name=op.f("fk_department_division_code_division")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_department")),
    )
    op.create_table(
        "item",
        sa.Column("code", _code(20), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("sector", sa.String(length=500), nullable=False),
        sa.Column("parent_item", sa.String(length=500), nullable=True),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("popularity", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["type"], ["item_type.name"], name=op.f("fk_item_type_item_type")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_item")),
    )
    op.create_table(
        "guide",
        sa.Column("code", _code(40), nullable=False),
        sa.Column("item_code", _code(20), nullable=False),
        sa.Column("division_code", _code(9), nullable=False),
        sa.Column("department_code", _code(24), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("latest_version", sa.Integer(), nullable=False),
        sa.Column("published_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["department_code"], ["department.code"], name=op.f("fk_guide_department_code_department")
        ),
        sa.ForeignKeyConstraint(["division_code"], ["division.code"], name=op.f("fk_guide_division_code_division")),
        sa.ForeignKeyConstraint(["item_code"], ["item.code"], name=op.f("fk_guide_item_code_item")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_guide")),
    )
    with op.batch_alter_table("guide", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_guide_department_code"), ["department_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_guide_division_code"), ["division_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_guide_item_code"), ["item_code"], unique=False)

    op.create_table(
        "guide_version",
        sa.Column("guide_code", _code(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("item_code", _code(20), nullable=False),
        sa.Column("division_code", _code(9), nullable=False),
        sa.Column("department_code", _code(24), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("power_source", sa.String(length=10), nullable=False),
        sa.Column("applicants", sa.JSON(), nullable=False),
        sa.Column("case_type", sa.String(length=10), nullable=False),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("quantity_limit", sa.String(length=500), nullable=True),
        sa.Column("statutory_limit_days", sa.Integer(), nullable=True),
        sa.Column("statutory_limit_unit", sa.String(length=10), nullable=True),
        sa.Column("promised_limit_days", sa.Integer(), nullable=True),
        sa.Column("promised_limit_unit", sa.String(length=10), nullable=True),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("visit_reason", sa.Text(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("online_depth", sa.String(length=3), nullable=True),
        sa.Column("online_payment", sa.Boolean(), nullable=False),
        sa.Column("mail_in", sa.Boolean(), nullable=False),
        sa.Column("appointment", sa.Boolean(), nullable=False),
        sa.Column("express", sa.Boolean(), nullable=False),
        sa.Column("self_service", sa.Boolean(), nullable=False),
        sa.Column("handling_scope", sa.String(length=10), nullable=False),
        sa.Column("result_name", sa.String(length=500), nullable=True),
        sa.Column("result_kind", sa.String(length=10), nullable=True),
        sa.Column("result_sample", sa.String(length=500), nullable=True),
        sa.Column("delivery", sa.JSON(), nullable=False),
        sa.Column("consultation_phone", sa.String(length=60), nullable=False),
        sa.Column("complaint_phone", sa.String(length=60), nullable=False),
        sa.Column("entrusted_department", sa.String(length=500), nullable=True),
        sa.Column("joint_departments", sa.JSON(), nullable=False),
        sa.Column("intermediary_services", sa.JSON(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("revised_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["guide_code"], ["guide.code"], name=op.f("fk_guide_version_guide_code_guide")),
        sa.PrimaryKeyConstraint("guide_code", "version", name=op.f("pk_guide_version")),
    )
    op.create_table(
        "fee",
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("standard", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("reduction", sa.Text(), nullable=False),
        sa.Column("guide_code", _code(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guide_code", "version"],
            ["guide_version.guide_code", "guide_version.version"],
            name=op.f("fk_fee_guide_code_version_guide_version"),
        ),
        sa.PrimaryKeyConstraint("guide_code", "version", "position", name=op.f("pk_fee")),
    )
    op.create_table(
        "guide_theme",
        sa.Column("guide_code", _code(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("audience", sa.String(length=10), nullable=False),
        sa.Column("theme_code", _code(3), nullable=False),
        sa.ForeignKeyConstraint(
            ["audience", "theme_code"],
            ["theme.audience", "theme.code"],
            name=op.f("fk_guide_theme_audience_theme_code_theme"),
        ),
        sa.ForeignKeyConstraint(
            ["guide_code", "version"],
            ["guide_version.guide_code", "guide_version.version"],
            name=op.f("fk_guide_theme_guide_code_version_guide_version"),
        ),
        sa.PrimaryKeyConstraint("guide_code", "version", "position", "audience", name=op.f("pk_guide_theme")),
    )
    op.create_table(
        "handling_place",
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("phone", sa.String(length=60), nullable=False),
        sa.Column("guide_code", _code(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guide_code", "version"],
            ["guide_version.guide_code", "guide_version.version"],
            name=op.f("fk_handling_place_guide_code_version_guide_version"),
        ),
        sa.PrimaryKeyConstraint("guide_code", "version", "position", name=op.f("pk_handling_place")),
    )
    op.create_table(
        "legal_basis",
        sa.Column("law", sa.String(length=500), nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("guide_code", _code(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guide_code", "version"],
            ["guide_version.guide_code", "guide_version.version"],
            name=op.f("fk_legal_basis_guide_code_version_guide_version"),
        ),
        sa.PrimaryKeyConstraint("guide_code", "version", "position", name=op.f("pk_legal_basis")),
    )
    op.create_table(
        "material",
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("main", sa.Boolean(), nullable=False),
        sa.Column("type", sa.String(length=10), nullable=False),
        sa.Column("form", sa.String(length=10), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("page_size", sa.String(length=500), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=True),
        sa.Column("blank_form", sa.String(length=500), nullable=True),
        sa.Column("filled_example", sa.String(length=500), nullable=True),
        sa.Column("filling_notes", sa.Text(), nullable=False),
        sa.Column("acceptance_standard", sa.Text(), nullable=False),
        sa.Column("deferrable", sa.Boolean(), nullable=False),
        sa.Column("from_data_sharing", sa.Boolean(), nullable=False),
        sa.Column("only_for", sa.JSON(), nullable=False),
        sa.Column("guide_code", _code(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guide_code", "version"],
            ["guide_version.guide_code", "guide_version.version"],
            name=op.f("fk_material_guide_code_version_guide_version"),
        ),
        sa.PrimaryKeyConstraint("guide_code", "version", "position", name=op.f("pk_material")),
    )
    op.create_table(
        "question",
        sa.Column("question", sa.String(length=500), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("guide_code", _code(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guide_code", "version"],
            ["guide_version.guide_code", "guide_version.version"],
            name=op.f("fk_question_guide_code_version_guide_version"),
        ),
        sa.PrimaryKeyConstraint("guide_code", "version", "position", name=op.f("pk_question")),
    )
    op.create_table(
        "situation",
        sa.Column("question", sa.String(length=500), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("guide_code", _code(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guide_code", "version"],
            ["guide_version.guide_code", "guide_version.version"],
            name=op.f("fk_situation_guide_code_version_guide_version"),
        ),
        sa.PrimaryKeyConstraint("guide_code", "version", "position", name=op.f("pk_situation")),
    )
    op.create_table(
        "step",
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("handler", sa.String(length=500), nullable=True),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("standard", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("guide_code", _code(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guide_code", "version"],
            ["guide_version.guide_code", "guide_version.version"],
            name=op.f("fk_step_guide_code_version_guide_version"),
        ),
        sa.PrimaryKeyConstraint("guide_code", "version", "position", name=op.f("pk_step")),
    )
    op.execute("INSERT INTO outbox_sequence (name, last_id) VALUES ('outbox', 0)")


def downgrade() -> None:
    op.drop_table("step")
    op.drop_table("situation")
    op.drop_table("question")
    op.drop_table("material")
    op.drop_table("legal_basis")
    op.drop_table("handling_place")
    op.drop_table("guide_theme")
    op.drop_table("fee")
    op.drop_table("guide_version")
    with op.batch_alter_table("guide", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_guide_item_code"))
        batch_op.drop_index(batch_op.f("ix_guide_division_code"))
        batch_op.drop_index(batch_op.f("ix_guide_department_code"))

    op.drop_table("guide")
    op.drop_table("item")
    op.drop_table("department")
    op.drop_table("theme")
    op.drop_table("outbox_sequence")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_created_at")

    op.drop_table("outbox")
    op.drop_table("item_type")
    op.drop_table("division")
