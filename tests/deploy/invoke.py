"""Plays a function's environment: loads a handler once and calls it for each line of JSON; not a byte in between, as when
it is frozen.   invoke.py MODULE.py"""

import importlib.util
import json
import pathlib
import sys

path = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(path.parent))
spec = importlib.util.spec_from_file_location(path.stem, path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
for line in sys.stdin:
    try:
        answer = {"result": module.handler(json.loads(line), None)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
