# SPDX-License-Identifier: BSD-3-Clause
"""Just enough reading of C for tidy: text without comments, functions, top-level statements.

It leans on the project's style (return type on its own line, a function's braces in column 0),
so it is a page long where a parser would be a program; tidy checks that very style first.
"""

import re

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r'^[ \t]*#(?:\\\n|[^\n])*', re.M)
CONTROL = re.compile(r'\b(?:if|for|while|switch)$|\b[A-Z][A-Z0-9_]*$|_for_?each\w*$')


def blank(text):
    """The same number of characters and lines, with nothing on them."""
    return re.sub(r'[^\n]', ' ', text)


def without_comments(text, keep_strings=False):
    """Comments, and the insides of strings and characters, blanked; positions stay."""

    def replace(match):
        token = match.group()
        if token[0] == '/':
            return blank(token)
        return token if keep_strings else token[0] + ' ' * (len(token) - 2) + token[-1]

    return TOKEN.sub(replace, text)


def without_directives(code):
    """Preprocessor lines blanked too, with their continuation lines."""
    return DIRECTIVE.sub(lambda match: blank(match.group()), code)


def line_at(text, position):
    """The number, from 1, of the line that holds a position."""
    return text.count('\n', 0, position) + 1


class Function:
    """A function definition: its name, parameter list, lines and body."""

    def __init__(self, name, parameters, first_line, last_line, body, body_line):
        self.name = name
        self.parameters = parameters
        self.first_line = first_line
        self.last_line = last_line
        self.body = body
        self.body_line = body_line

    def parameter_count(self):
        """How many parameters it takes."""
        inner = self.parameters.strip()
        if inner in ('', 'void'):
            return 0
        depth = commas = 0
        for char in inner:
            depth += (char in '([{') - (char in ')]}')
            commas += char == ',' and depth == 0
        return commas + 1

    def deepest(self):
        """The depth of the deepest block in the body, and the line where it starts."""
        stack, best, where = [], 0, self.body_line
        for match in re.finditer(r'[{}]', self.body):
            if match.group() == '}':
                if stack:
                    stack.pop()
                continue
            stack.append(is_block(self.body, match.start()) and False not in stack)
            depth = sum(stack)
            if depth > best:
                best, where = depth, self.body_line + self.body.count('\n', 0, match.start())
        return best, where


def is_block(code, position):
    """Whether the brace at a position opens statements (and not an initialiser)."""
    before = code[:position].rstrip()
    if before.endswith(')'):
        depth = 0
        for at in range(len(before) - 1, -1, -1):
            depth += (before[at] == ')') - (before[at] == '(')
            if depth == 0:
                return bool(CONTROL.search(before[:at].rstrip()))
        return False
    return before == '' or before[-1] in '{};:' or bool(re.search(r'\b(?:else|do)$', before))


def functions(code):
    """The definitions in text that went through without_comments and without_directives."""
    lines = code.split('\n')
    found = []
    for opening, line in enumerate(lines):
        if not line.startswith('{'):
            continue
        start = opening
        while start > 0 and lines[start - 1].strip() and not lines[start - 1].rstrip().endswith(
                (';', '}')):
            start -= 1
        closing = opening
        while closing < len(lines) - 1 and not lines[closing].startswith('}'):
            closing += 1
        signature = '\n'.join(lines[start:opening])
        match = re.search(r'^(\w+)\((.*)\)', signature, re.M | re.S)
        if match:
            body = '\n'.join(lines[opening:closing + 1])[1:].rstrip('}')
            found.append(Function(match.group(1), match.group(2), start + 1, closing + 1, body,
                                  opening + 1))
    return found


def top_level_statements(code):
    """(line, text) of each statement outside functions; what is in braces is left out."""
    depth, start, text = 0, None, ''
    for position, char in enumerate(code):
        if char == '{':
            depth += 1
            text += '{' if depth == 1 else ''
        elif char == '}':
            depth -= 1
            text += '}' if depth == 0 else ''
            if depth == 0 and code[position - 1:position] == '\n' and ')' in text.split('{')[0] \
                    and '=' not in text.split('{')[0]:
                text, start = '', None
        elif depth == 0:
            if start is None and not char.isspace():
                start = position
            text += char
            if char == ';':
                if start is not None:
                    yield line_at(code, start), ' '.join(text.split())
                text, start = '', None
