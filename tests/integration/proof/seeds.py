"""Random tests print their seed; PGWEIR_TEST_SEED repeats one."""

import os
import random


def new_seed():
    seed = int(os.environ.get("PGWEIR_TEST_SEED", 0)) or random.randrange(1, 1 << 32)
    print(f"seed {seed} (PGWEIR_TEST_SEED={seed} repeats it)")
    return seed
