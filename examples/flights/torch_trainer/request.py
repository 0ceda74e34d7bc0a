"""What the retrainer asks for, read from the environment once, and why a training fails."""

import json
from pathlib import Path
from urllib.parse import unquote, urlparse

EXIT_PARAMETERS, EXIT_DATA, EXIT_INPUT, EXIT_TERMINATED = 64, 65, 66, 143
DEFAULTS = {"l2": 10, "iterationsMax": 60, "tolerance": 1e-8}


class TrainerFailure(Exception):
    """Carries the exit code that the retrainer reads."""

    def __init__(self, exit_code, message):
        super().__init__(message)
        self.exit_code = exit_code


def request_of(env):
    try:
        given = json.loads(env.get("DRIFTMEND_PARAMS") or "{}")
    except json.JSONDecodeError as error:
        raise TrainerFailure(EXIT_PARAMETERS, f"Cannot read DRIFTMEND_PARAMS as JSON: {error}")
    if not isinstance(given, dict):
        raise TrainerFailure(EXIT_PARAMETERS, "Cannot use DRIFTMEND_PARAMS: it is not an object")
    unknown = sorted(set(given) - set(DEFAULTS) - {"positive"})
    if unknown:
        raise TrainerFailure(EXIT_PARAMETERS, f"Cannot train with unknown parameters: {unknown}")
    params = {**DEFAULTS, **given}
    for name in DEFAULTS:
        value = params[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise TrainerFailure(EXIT_PARAMETERS, f'Cannot train with {name} = "{value}"')
    return {
        "run_id": env.get("DRIFTMEND_RUN_ID", ""),
        "model": env.get("DRIFTMEND_MODEL", "flights"),
        "params": params,
        "dataset": folder_of(env, "DRIFTMEND_DATASET"),
        "out": folder_of(env, "DRIFTMEND_OUT"),
    }


def folder_of(env, name):
    value = env.get(name, "")
    if value == "":
        raise TrainerFailure(EXIT_INPUT, f"Cannot train: {name} is not set")
    url = urlparse(value)
    if url.scheme == "file":
        return Path(unquote(url.path))
    if url.scheme:
        raise TrainerFailure(EXIT_PARAMETERS, f'Cannot use {name} as a folder: "{value}"')
    return Path(value)
