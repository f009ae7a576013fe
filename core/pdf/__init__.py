"""Printed matter: a document of plain blocks, laid out on A4 pages and written as PDF.

`document` says what stands in it, `text` breaks lines, `layout` places blocks on pages, `paint` writes the file. Faces
and the PDF library are loaded when the first page is made, never by importing this package.
"""
