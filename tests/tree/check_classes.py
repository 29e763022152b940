#!/usr/bin/python3
"""Counts what the classes of the program and the folders of proxy/ hold, so that none grows beyond what a reader can keep in mind.

A class has no more methods, members and bools than LIMITS says, a folder no more files than FILES_MAX. More than three bools
are a state machine in hiding: flags that exclude each other are one enum, independent ones belong to smaller objects.

Sources are read as text, whose brackets make a tree, and the braces of a class are cut into its declarations. Whatever is
declared with parentheses is a method, unless it is defaulted or deleted; what else is declared, and is no constant, is a
member. An atomic bool is a bool, too. A nested class counts for itself. No two headers define a class of the same name.
"""

import pathlib
import re
import sys

LIMITS = {"methods": 40, "members": 30, "bools": 3}
FILES_MAX = 40
# The two classes that everything comes together in: header and source.
LONG_UNITS = ("session/session", "pool/pool")
LINES_MAX = 500
FOLDERS = ("protocol", "config", "proxy")
EXTENSIONS = {".hpp", ".cpp"}

# What is above a limit still, and by how much. None of it grows, and whoever makes it smaller lowers its number here.
STILL_ABOVE = {}

# What holds no declarations: comments, literals (behind a word ' is a separator of digits), and lines of the preprocessor.
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'|^[ \t]*#(?:\\\n|[^\n])*',
    re.DOTALL | re.MULTILINE)
# The name of an operator is one token. Each > stands alone, because >> may close two templates.
TOKEN = re.compile(r"operator\s*(?:\(\)|\[\]|[^\s\w(]+)|\w+|::|->|<<|<=|>=|==|\S")
NAMESPACE = re.compile(r"^namespace (\w[\w:]*) {", re.MULTILINE)
ACCESS = ("public", "private", "protected")
CLASS_KEYS = ("class", "struct", "union")
# What begins with these declares neither a method nor a member.
NEITHER = ("using", "typedef", "friend", "static_assert", "enum")
# Words whose arguments tell nothing about what is declared.
WITH_ARGUMENTS = ("template", "alignas", "decltype")
# What may stand before the type of a variable.
SPECIFIERS = ("mutable", "static", "inline", "const", "volatile", "std", "::")


class Group(list):
    """What stands between two brackets: tokens, and groups again."""

    def __init__(self, bracket, items=()):
        super().__init__(items)
        self.bracket = bracket


def is_group(item, bracket):
    return isinstance(item, Group) and item.bracket == bracket


def is_word(item):
    return isinstance(item, str) and re.fullmatch(r"\w+", item) is not None


def tree_of(text):
    """A source text as one group. Comments, literals and preprocessor lines are gone."""
    open_groups = [Group("")]
    for token in TOKEN.findall(NOT_CODE.sub(" ", text)):
        if token in ("(", "[", "{"):
            open_groups.append(Group(token))
        elif token in (")", "]", "}") and len(open_groups) > 1:
            group = with_templates(open_groups.pop())
            open_groups[-1].append(group)
        else:
            open_groups[-1].append(token)
    return with_templates(open_groups[0])


def with_templates(group):
    """The group, in which template arguments are groups, too. A < that closes nowhere in its statement is an operator."""
    made, at = Group(group.bracket), 0
    while at < len(group):
        end = closing_angle(group, at) if group[at] == "<" and made and is_word(made[-1]) else None
        if end is None:
            made.append(group[at])
            at += 1
        else:
            made.append(with_templates(Group("<", group[at + 1:end])))
            at = end + 1
    return made


def closing_angle(group, at):
    depth = 0
    for end in range(at, len(group)):
        item = group[end]
        depth += (item == "<") - (item == ">")
        if depth == 0:
            return end
        if item == ";" or is_group(item, "{"):
            return None
    return None


def declarations(scope):
    """Each declaration or definition of a scope as a list, without access specifiers, attributes and templates' heads."""
    head = []
    for item in scope:
        if item == ";":
            yield head
            head = []
        elif item == ":" and len(head) == 1 and head[0] in ACCESS:
            head = []
        elif isinstance(item, Group) and head and head[-1] in WITH_ARGUMENTS:
            head.pop()
        elif is_group(item, "[") and item and is_group(item[0], "["):
            continue
        else:
            head.append(item)
            if is_group(item, "{") and is_body(head[:-1]):
                yield head
                head = []


def is_body(head):
    """Whether braces behind `head` end a definition. A class or a variable ends with its semicolon."""
    if "namespace" in head or "extern" in head:
        return True
    # Not the a_{a} of X(int a) : a_{a} {}
    return is_function(head) and not (":" in head and (is_word(head[-1]) or is_group(head[-1], "<")))


def is_function(head):
    declared = head[:head.index("=")] if "=" in head else head
    return class_of(head) is None and any(is_group(item, "(") for item in declared)


def class_of(head):
    """(name, body, declarators behind it) if this defines a class."""
    body = next((at for at, item in enumerate(head) if is_group(item, "{")), 0)
    before = head[:body]
    key = next((at for at, item in enumerate(before) if item in CLASS_KEYS), None)
    if key is None or "enum" in before or any(is_group(item, "(") for item in before):
        return None
    name = []
    for item in before[key + 1:]:
        if item in ("final", ":"):
            break
        if is_word(item) and name and is_word(name[-1]):  # struct stat info{};
            return None
        name.append("<>" if isinstance(item, Group) else item)
    return "".join(name) or "(anonymous)", head[body], head[body + 1:]


def count(body):
    """How many methods, members and bools the class with this body has."""
    found = dict.fromkeys(LIMITS, 0)
    for head in declarations(body):
        if not head or head[0] in NEITHER:
            continue
        if is_function(head):
            found["methods"] += head[-2:] not in (["=", "default"], ["=", "delete"])
        elif is_variable(head):
            names = 1 + head.count(",")
            found["members"] += names
            found["bools"] += names if is_bool(head) else 0
    return found


def is_variable(head):
    nested = class_of(head)
    if nested is not None:
        return bool(nested[2])
    is_forward = len(head) == 2 and head[0] in CLASS_KEYS
    return "constexpr" not in head and not is_forward


def is_bool(head):
    kind = next((at for at, item in enumerate(head) if item not in SPECIFIERS), 0)
    return head[kind] in ("bool", "atomic_bool") or head[kind] == "atomic" and head[kind + 1] == ["bool"]


def classes_in(scope, prefix=""):
    """(name, what it has) of each class, wherever it is defined."""
    for head in declarations(scope):
        found = class_of(head)
        if found is not None:
            name, body, _ = found
            yield prefix + name, count(body)
            yield from classes_in(body, f"{prefix}{name}::")
        else:
            for item in head:
                if isinstance(item, Group):
                    yield from classes_in(item, prefix)


def classes_of(root):
    """(path, name, what it has) of each class of the program."""
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*")):
        if path.suffix in EXTENSIONS:
            for name, found in classes_in(tree_of(path.read_text())):
                yield path.relative_to(root), name, found


def too_full(root):
    for folder in sorted(path for path in (root / "proxy").iterdir() if path.is_dir()):
        files = sum(path.is_file() for path in folder.iterdir())
        if files > FILES_MAX:
            yield f"{folder.relative_to(root)}/: holds {files} files, more than {FILES_MAX}"


def too_long(root):
    for unit in LONG_UNITS:
        files = [root / "proxy" / (unit + ending) for ending in (".hpp", ".cpp")]
        lines = sum(len(path.read_text().splitlines()) for path in files if path.is_file())
        if lines > LINES_MAX:
            yield f"proxy/{unit}: header and source have {lines} lines, more than {LINES_MAX}"


def twice(root, classes):
    """Two classes of one name in the headers of a namespace: the linker takes the functions of either for both."""
    where = {}
    for path, name, _ in classes:
        if path.suffix == ".hpp" and "(anonymous)" not in name:
            space = NAMESPACE.search((root / path).read_text())
            where.setdefault(f"{space[1]}::{name}" if space else name, set()).add(str(path))
    for name, paths in where.items():
        if len(paths) > 1:
            yield f"{name} is defined in {' and '.join(sorted(paths))}: give one of them another name"


def too_large(classes, still_above):
    """What is above its limit, and what is allowed to be and is not so large any more."""
    largest = {}
    for path, name, found in classes:
        for what, limit in {**LIMITS, **still_above.get(name, {})}.items():
            largest[name, what] = max(found[what], largest.get((name, what), 0))
            if found[what] > limit:
                yield f"{path}: {name} has {found[what]} {what}, more than {limit}"
    for name, allowed in still_above.items():
        for what, number in allowed.items():
            has = largest.get((name, what), 0)
            if has < number or number <= LIMITS[what]:
                yield f"STILL_ABOVE lets {name} have {number} {what}: it has {has}, lower that or delete it"


def main(root):
    classes = list(classes_of(root))
    bad = [*too_full(root), *too_long(root), *twice(root, classes), *too_large(classes, STILL_ABOVE)]
    print("\n".join(bad) if bad else f"{len(classes)} classes have no more than "
          + ", ".join(f"{limit} {what}" for what, limit in LIMITS.items()) + f"; {len(STILL_ABOVE)} are still above")
    return 1 if bad or not classes else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
