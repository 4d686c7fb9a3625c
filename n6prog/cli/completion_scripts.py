"""The completion scripts of three shells. Pure: commands in, text out. Everything is known when the script is made."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from n6prog.cli.completion import Option, Words

_HEAD = "# made by `n6prog completion {}`: make it again after an update"


def bash(commands: Sequence[Words]) -> str:
    """For bash 3.2 and later; needs nothing of the bash-completion package."""
    names = " ".join(item.name for item in commands)
    after = {option.flags: option for item in commands for option in item.options if option.takes}
    with_value = "|".join(flag for flags in after for flag in flags)
    lines = [
        _HEAD.format("bash"),
        "_n6prog() {",
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= words= first= i",
        "    COMPREPLY=()",
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        f'        case "${{COMP_WORDS[i-1]}}" in {with_value}) continue ;; esac',
        '        case "${COMP_WORDS[i]}" in',
        f"            {'|'.join(item.name for item in commands)}) command=${{COMP_WORDS[i]}}; break ;;",
        "        esac",
        "    done",
        '    case "$prev" in',
        *(f"        {'|'.join(flags)}) {_bash_values(option)} return ;;" for flags, option in after.items()),
        "    esac",
        '    case "$command" in',
        f"        '') first={shlex.quote(names)} words='--help --version' ;;",
    ]
    for item in commands:
        flags = " ".join(flag for option in item.options for flag in option.flags)
        lines.append(f"        {item.name}) words={shlex.quote(flags)} first={_bash_first(item)} ;;")
    lines += [
        "    esac",
        '    if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$cur"))',
        '    elif [[ $first == / ]]; then COMPREPLY=($(compgen -f -- "$cur"))',
        '    else COMPREPLY=($(compgen -W "$first" -- "$cur")); fi',
        "}",
        "complete -o filenames -F _n6prog n6prog",
    ]
    return "\n".join(lines) + "\n"


def _bash_first(item: Words) -> str:
    if item.words:
        return shlex.quote(" ".join(item.words))
    return "''" if item.bare else "/"  # a slash: file names


def _bash_values(option: Option) -> str:
    parts = []
    if option.values:
        parts.append(f'$(compgen -W {shlex.quote(" ".join(option.values))} -- "$cur")')
    if option.files:
        parts.append('$(compgen -f -- "$cur")')
    return f"COMPREPLY=({' '.join(parts)});" if parts else "COMPREPLY=();"


def zsh(commands: Sequence[Words]) -> str:
    """For zsh's completion system, as a function that `compinit` finds."""
    lines = [
        "#compdef n6prog",
        _HEAD.format("zsh"),
        "_n6prog() {",
        "    local line state",
        "    _arguments -C '(- *)'{-h,--help}'[show help and leave]' '(- *)--version[show the version and leave]' \\",
        "        '1: :->command' '*:: :->rest'",
        "    case $state in",
        "        command)",
        "            local -a commands=(",
        *(f"                {_zsh_quoted(f'{item.name}:{item.help}')}" for item in commands),
        "            )",
        "            _describe command commands ;;",
        "        rest)",
        "            case $line[1] in",
    ]
    for item in commands:
        lines.append(f"                {item.name}) _arguments \\")
        lines += [f"                    {_zsh_option(option)} \\" for option in item.options]
        lines.append(f"                    {_zsh_first(item)} ;;")
    return "\n".join([*lines, "            esac ;;", "    esac", "}", '_n6prog "$@"']) + "\n"


def _zsh_first(item: Words) -> str:
    if item.words:
        return _zsh_quoted(f"1:what:({' '.join(item.words)})") + " '*:file:_files'"
    return "'*: : '" if item.bare else "'*:file:_files'"


def _zsh_option(option: Option) -> str:
    text = option.help.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    value = ""
    if option.takes:
        offered = f"({' '.join(option.values)})" if option.values and not option.files else "_files" * option.files
        value = f":value:{offered or ' '}"
    if len(option.flags) == 1:
        return _zsh_quoted(f"{option.flags[0]}[{text}]{value}")
    apart = _zsh_quoted(f"({' '.join(option.flags)})")  # given one, the others are not offered
    return apart + "{" + ",".join(option.flags) + "}" + _zsh_quoted(f"[{text}]{value}")


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def fish(commands: Sequence[Words]) -> str:
    """For fish 3 and later."""
    names = " ".join(item.name for item in commands)
    none = f"not __fish_seen_subcommand_from {names}"
    lines = [_HEAD.format("fish"), f"complete -c n6prog -f -n '{none}' -l version -d 'show the version'"]
    lines += [f"complete -c n6prog -f -n '{none}' -a {item.name} -d {_fish_quoted(item.help)}" for item in commands]
    for item in commands:
        here = f"complete -c n6prog -n '__fish_seen_subcommand_from {item.name}'"
        if item.words:
            lines.append(f"{here} -f -a '{' '.join(item.words)}'")
        elif item.bare:
            lines.append(f"{here} -f")
        lines += [f"{here} {_fish_option(option)}" for option in item.options]
    return "\n".join(lines) + "\n"


def _fish_option(option: Option) -> str:
    words = [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags]
    if option.takes:
        words.append("-rF" if option.files else "-x")
    if option.values:
        words.append(f"-a '{' '.join(option.values)}'")
    return " ".join([*words, "-d", _fish_quoted(option.help)])


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SCRIPTS: dict[str, Callable[[Sequence[Words]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
