#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes a manual page of a page of docs/: page.py FILE.md NAME SECTION 'what it is'."""

import re
import sys


def inline(text):
    """Text as roff takes it: code and emphasis in bold, links by their words."""
    text = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', text.replace('<br>', ', '))
    text = text.replace('\\', '\\e').replace('-', '\\-')
    text = re.sub(r'`([^`]+)`|\*\*([^*]+)\*\*',
                  lambda m: f'\\fB{m.group(1) or m.group(2)}\\fR', text)
    return '\\&' + text if text[:1] in ('.', "'") else text


def item(tag, text):
    """A paragraph with a tag before it."""
    return ['.TP', f'.B {inline(tag)}' if tag else '.B \\&', inline(text)]


def table(lines):
    """Rows as items: the first cell, then the others, each with the head of its column."""
    rows = [[cell.strip() for cell in line.strip().strip('|').split('|')] for line in lines]
    head, out = rows[0], []
    for row in rows[2:]:
        rest = [f'{name}: {cell}' if name and len(row) > 2 else cell
                for name, cell in zip(head[1:], row[1:]) if cell not in ('', '-')]
        out += item(row[0].strip('`*'), '; '.join(rest))
    return out


def blocks(text):
    """Runs of lines that belong together; code keeps its empty lines out."""
    text = re.sub(r'<!--.*?-->\n?', '', text, flags=re.S)
    for block in re.split(r'\n{2,}', text.strip('\n')):
        lines = block.split('\n')
        while lines and lines[0].startswith('#'):
            yield [lines.pop(0)]
        # A list, or a table, may follow its introduction at once.
        run = []
        for line in lines:
            starts = re.match(r'- |\d+\. ', line)
            if run and (starts or line.startswith('|') != run[0].startswith('|')):
                yield run
                run = []
            run.append(line)
        if run:
            yield run


def block(lines):
    """One of them."""
    first = lines[0]
    if first.startswith('## '):
        return [f'.SH {inline(first[3:].upper())}']
    if first.startswith('### '):
        return [f'.SS {inline(first[4:])}']
    if first.startswith('|'):
        return table(lines)
    if first.startswith('    '):
        return ['.PP', '.nf'] + [inline(line[4:]) for line in lines] + ['.fi']
    mark = re.match(r'(?:-|\d+\.) ', first)
    words = ' '.join(line.strip() for line in lines)
    if mark:
        return [f'.IP {inline(mark.group().strip())} 4', inline(words[mark.end():])]
    return ['.PP', inline(words)]


def main():
    """The page goes to standard output."""
    path, name, section, what = sys.argv[1:]
    with open(path, encoding='ascii') as file:
        text = file.read()
    out = [f'.TH {name.upper()} {section}', '.SH NAME', f'{inline(name)} \\- {what}',
           '.SH DESCRIPTION']
    for lines in blocks(text.partition('\n')[2]):
        out += block(lines)
    out += ['.SH SEE ALSO', '.BR sluiced (8),', '.BR sluice.yaml (5),', '.BR sluicectl (1),',
            '.BR sluice\\-load (1)']
    print('\n'.join(out))


if __name__ == '__main__':
    main()
