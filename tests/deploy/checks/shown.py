"""What the pages show: commands in `sh` blocks and in `code spans`, and YAML blocks."""

import re
from dataclasses import dataclass

PROGRAMS = ("pgweir", "pgweir-bench", "psql", "aws", "cmake", "ctest", "systemctl", "systemd-analyze", "docker", "curl",
            "openssl", "jq", "install", "git", "apt-get")
SCRIPT = re.compile(r"(deploy|tests|bench)/\S+\.sh$")


@dataclass(frozen=True)
class Shown:
    page: str
    text: str


def blocks(text, language):
    """(content, whether it is marked as tested as a whole)."""
    for mark, content in re.findall(rf"(<!-- tested -->\n)?```{language}\n(.*?)```", text, re.DOTALL):
        yield content, bool(mark)


def simple_commands(script):
    """The script's commands without comments, cut where the shell cuts: lines, &&, |."""
    script = re.sub(r"\\\n\s*", "", script) + "\n"
    out, open_, at = [""], [], 0  # `open_`: quotes and substitutions that have not ended
    while at < len(script):
        char, innermost = script[at], open_[-1] if open_ else ""
        if not open_ and char == "#" and (at == 0 or script[at - 1].isspace()):
            at = script.index("\n", at)
            continue
        cut = "" if open_ else next((sign for sign in ("&&", "||", "|", "\n") if script.startswith(sign, at)), "")
        if cut:
            out.append("")
            at += len(cut)
            continue
        if innermost in ("'", '"') and char == innermost or innermost == "$(" and char == ")":
            open_.pop()
        elif innermost != "'" and script.startswith("$(", at):
            open_.append("$(")
        elif innermost in ("", "$(") and char in "'\"":
            open_.append(char)
        out[-1] += char
        at += 1
    return [" ".join(command.split()) for command in out if command.strip()]


def program_of(command):
    words = command.split()
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return words[0] if words else ""


def spans(text):
    """Code spans outside of blocks that are commands, and not only a program's name."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for span in re.findall(r"`([^`\n]+)`", prose):
        for command in simple_commands(span):
            program = program_of(command)
            if (program in PROGRAMS or SCRIPT.match(program)) and "..." not in command.split():
                yield command


def commands(root, page):
    text = (root / page).read_text()
    found = [command for content, is_tested in blocks(text, "sh") if not is_tested
             for command in simple_commands(content)]
    return [Shown(page, command) for command in dict.fromkeys([*found, *spans(text)])]
