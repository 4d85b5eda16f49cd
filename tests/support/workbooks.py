"""Spreadsheets."""

import io

import xlsxwriter


def workbook(*sheets: list[list[str | float | bool]]) -> bytes:
    """Return an .xlsx file with these rows of each sheet."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        for rows in sheets:
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return made.getvalue()
