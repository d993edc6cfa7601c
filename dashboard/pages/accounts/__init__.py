"""Accounts and invitations, for an administrator of the school."""
