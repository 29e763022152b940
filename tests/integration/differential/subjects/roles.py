"""SET ROLE and SET SESSION AUTHORIZATION."""

from ..kinds import sql
from ..objects import GROUP, OTHER, SUPERUSER, USER


@sql(4)
def set_role(draft):
    """SET ROLE, SET LOCAL ROLE, set_config of role"""
    role = draft.pick([GROUP, GROUP, USER, "none", OTHER if draft.superuser else "postgres"])
    return [draft.pick(["set role {}", "set role {}", "set local role {}", "set session role {}", "set role to '{}'",
                        "select set_config('role', '{}', false)"]).format(role)]


@sql(3)
def reset_role(draft):
    """RESET ROLE, SET ROLE NONE"""
    return [draft.pick(["reset role", "set role none", "set role to default"])]


@sql(3)
def session_authorization(draft):
    """SET SESSION AUTHORIZATION, to what the user may"""
    roles = [USER, OTHER, GROUP, SUPERUSER, "default"] if draft.superuser else [USER, "default", OTHER]
    return [f"set {draft.pick(['', '', 'local '])}session authorization {draft.pick(roles)}"]


@sql(2)
def reset_session_authorization(draft):
    """RESET SESSION AUTHORIZATION"""
    return ["reset session authorization"]


@sql(1)
def missing(draft):
    """a role that is not there"""
    return [draft.pick(["set role nosuch_role", "set session authorization nosuch_role"])]
