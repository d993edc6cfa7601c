"""Accounts with their roles, invitations, local credentials, and sign-ins that are under way."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the tables, and let a session name an account and the role in which it looks."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject_digest", sa.LargeBinary(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sa.Column("signed_in_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("subject_digest"),
    )
    op.create_table(
        "account_roles",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("school_id", sa.Integer, sa.ForeignKey("schools.id"), nullable=False),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("teacher_id", sa.Integer),
        sa.Column("granted_by", sa.Text, nullable=False),
        sa.Column("granted_us", sa.BigInteger, nullable=False),
        sa.Column("ended_by", sa.Text),
        sa.Column("ended_us", sa.BigInteger),
    )
    op.create_index("account_roles_by_account", "account_roles", ["account_id"])
    op.create_index("account_roles_by_school", "account_roles", ["school_id"])
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("school_id", sa.Integer, sa.ForeignKey("schools.id"), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("mail_digest", sa.LargeBinary(16)),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("teacher_id", sa.Integer),
        sa.Column("invited_by", sa.Text, nullable=False),
        sa.Column("invited_us", sa.BigInteger, nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
        sa.Column("ended_us", sa.BigInteger),
    )
    op.create_index("invitations_by_school", "invitations", ["school_id"])
    op.create_index("invitations_by_mail", "invitations", ["mail_digest"])
    op.create_table(
        "local_credentials",
        sa.Column("account_id", sa.Integer, sa.ForeignKey("accounts.id"), primary_key=True, autoincrement=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("totp_secret", sa.LargeBinary, nullable=False),
        sa.Column("totp_step", sa.BigInteger, nullable=False),
        sa.Column("recovery_digests", sa.Text, nullable=False),
    )
    op.create_table(
        "sign_in_states",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("browser_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
    )
    op.create_index("sign_in_states_by_made", "sign_in_states", ["made_us"])
    op.add_column("sessions", sa.Column("account_id", sa.Integer))
    op.add_column("sessions", sa.Column("role_id", sa.Integer))
