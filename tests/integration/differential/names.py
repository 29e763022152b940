"""The roles of all scripts."""

USER, SUPERUSER, GROUP, OTHER = "diff", "diffsuper", "diffteam", "diffother"
