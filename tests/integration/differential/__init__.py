"""Random client scripts, each run on PostgreSQL itself and through pgweir: both must say the same.

    script      what clients say, as data that prints as Python
    objects     the database objects that each script starts with
    subjects/   what the scripts are about: small functions, each one kind of steps with a weight
    draft, kinds, delivery, generate      make a script out of a seed
    answers, player                       run a script against one server
    tenancy, turns  clients that share tables, which one of them changes
    stale       where pgweir may answer better than PostgreSQL, exactly
    compare     the list of what may differ, with the reason for each entry
    trial, shrink, environment            both runs of one script, and the smallest one that still differs
    regressions scripts that once differed
"""
