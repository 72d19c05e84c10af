"""Verbs about the setup: is all there, and the completion of a shell."""

from typing import Literal

from ratecast.cli.call import tell


def doctor(*, offline: bool = False, json: bool = False) -> int:
    """Check the setup: versions, cores, cache, sources, disk.

    Exit code 1 where something that is needed fails, with what to do.

    Examples:
        ratecast doctor
        ratecast doctor --offline --json

    Args:
        offline: leave out whether the sources of data can be reached.
        json: print the result as one JSON document.
    """
    from ratecast.doctor import examine, facts, shown

    checks = examine(offline=offline)
    found = facts(checks)
    tell(found, shown(checks), json)
    return 0 if found["ok"] else 1


def completion(shell: Literal["bash", "zsh", "fish"]) -> None:
    """Print the completion script of a shell.

    It completes verbs, options, models and files. Write it once, to where the shell looks for it,
    and anew after an update.

    Examples:
        ratecast completion bash > ~/.local/share/bash-completion/completions/ratecast
        ratecast completion zsh > ~/.zfunc/_ratecast
        ratecast completion fish > ~/.config/fish/completions/ratecast.fish

    Args:
        shell: bash, zsh or fish.
    """
    from ratecast.cli import VERBS
    from ratecast.cli.completion import script
    from ratecast.cli.manual import manual
    from ratecast.data import EDITIONS
    from ratecast.models import MODELS

    manuals = [manual(name, verb) for name, verb in VERBS.items()]
    editions, models = list(EDITIONS), list(MODELS)
    words = {"data": editions, "edition": editions, "model": models, "models": models}
    print(script(manuals, shell, words))
