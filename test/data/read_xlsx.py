#!/usr/bin/env python3
"""Reads workbooks for tests, by two readers that know nothing of each other.

    read_xlsx.py cells FILE     every cell as a line of JSON, read from the XML:
                                [sheet, reference, kind, format, value]; kinds are
                                n, s and b, values are text as they stand there
    read_xlsx.py sheets FILE    every sheet as a line of JSON: name, rows, cells,
                                last row, frozen, filter, tables, XML bytes
    read_xlsx.py same FILE      reads it by openpyxl, too, and compares all cells;
                                prints how many there were

All of them check the archive first: CRCs, and that every part is XML.
"""
import datetime
import json
import re
import sys
import xml.parsers.expat
import zipfile
from xml.etree import ElementTree

MAIN = '{http://schemas.openxmlformats.org/spreadsheetml/2006/main}'
LINK = ('{http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships}id')


def check(archive):
    bad = archive.testzip()
    if bad is not None:
        sys.exit('broken entry: ' + bad)
    names = archive.namelist()
    if len(names) != len(set(names)):
        sys.exit('entries of one name')
    for info in archive.infolist():
        if info.date_time != (1980, 1, 1, 0, 0, 0):
            sys.exit('an entry has a date')
        parser = xml.parsers.expat.ParserCreate()
        with archive.open(info) as part:
            parser.ParseFile(part)


def parts(archive):
    """Names and files of the sheets, as the workbook says."""
    book = ElementTree.fromstring(archive.read('xl/workbook.xml'))
    links = ElementTree.fromstring(archive.read('xl/_rels/workbook.xml.rels'))
    files = {link.get('Id'): link.get('Target') for link in links}
    for sheet in book.find(MAIN + 'sheets'):
        yield sheet.get('name'), 'xl/' + files[sheet.get(LINK)]


def formats(archive):
    styles = ElementTree.fromstring(archive.read('xl/styles.xml'))
    builtin = {'0': 'General', '1': '0', '2': '0.00'}
    codes = styles.find(MAIN + 'numFmts')
    for code in codes if codes is not None else ():
        builtin[code.get('numFmtId')] = code.get('formatCode')
    return [builtin[xf.get('numFmtId')] for xf in styles.find(MAIN + 'cellXfs')]


def unescape(text):
    return re.sub('_x([0-9A-Fa-f]{4})_', lambda m: chr(int(m.group(1), 16)),
                  text)


def cells(archive, path, codes):
    with archive.open(path) as part:
        for _, node in ElementTree.iterparse(part):
            if node.tag == MAIN + 'c':
                kind = node.get('t', 'n')
                if kind == 'inlineStr':
                    text = node.find(MAIN + 'is').find(MAIN + 't').text or ''
                    kind, text = 's', unescape(text)
                else:
                    text = node.find(MAIN + 'v').text
                yield node.get('r'), kind, codes[int(node.get('s', 0))], text
            elif node.tag == MAIN + 'row':
                node.clear()


def describe(archive, name, path):
    seen = {'name': name, 'rows': 0, 'cells': 0, 'last': 0, 'frozen': None,
            'filter': None, 'tables': 0,
            'bytes': archive.getinfo(path).file_size}

    def start(tag, attributes):
        if tag == 'row':
            seen['rows'] += 1
            seen['last'] = int(attributes['r'])
        elif tag == 'c':
            seen['cells'] += 1
        elif tag == 'pane':
            seen['frozen'] = attributes['topLeftCell']
        elif tag == 'autoFilter':
            seen['filter'] = attributes['ref']
        elif tag == 'tablePart':
            seen['tables'] += 1

    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler = start
    with archive.open(path) as part:
        parser.ParseFile(part)
    return seen


def same_value(kind, code, text, value):
    """Does openpyxl's value say what the XML says?"""
    if kind == 's':
        # its reader makes None of an empty text, and keeps escapes
        return unescape(value or '') == text
    if kind == 'b':
        return value is (text == '1')
    number = float(text)
    if 'yy' in code or 'hh' in code:
        if isinstance(value, datetime.time):
            value = datetime.datetime.combine(datetime.date(1899, 12, 30),
                                              value)
        days = value - datetime.datetime(1899, 12, 30)
        # it rounds to milliseconds
        return abs(days.total_seconds() / 86400 - number) < 0.001 / 86400
    return isinstance(value, (int, float)) and float(value) == number


def compare(path, archive):
    import openpyxl
    book = openpyxl.load_workbook(path)
    count = 0
    codes = formats(archive)
    for name, part in parts(archive):
        sheet = book[name]
        for reference, kind, code, text in cells(archive, part, codes):
            if not same_value(kind, code, text, sheet[reference].value):
                sys.exit('%s!%s: %r is not %r' % (
                    name, reference, sheet[reference].value, text))
            count += 1
    print(count)


def main():
    action, path = sys.argv[1:]
    with zipfile.ZipFile(path) as archive:
        check(archive)
        if action == 'cells':
            codes = formats(archive)
            for name, part in parts(archive):
                for cell in cells(archive, part, codes):
                    print(json.dumps([name, *cell]))
        elif action == 'sheets':
            for name, part in parts(archive):
                print(json.dumps(describe(archive, name, part)))
        else:
            compare(path, archive)


main()
