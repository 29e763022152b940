"""The yardstick: poolers side by side in one run. Started by bench/compare.sh; `main` reads top to bottom."""
