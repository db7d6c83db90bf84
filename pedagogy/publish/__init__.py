"""What is made of the notebooks for others: slides for a lecturer, a book for readers.

    execute   a notebook with its outputs, run once and kept
    pages     a notebook's cells made fit for a page that nobody can run; macros: formulas in plain TeX
    lecture   the widgets without code, a page each
    slides    a reveal.js deck of each notebook, with speaker notes and a PDF
    book      a site of all of it (api: the reference; launch, colab: links to run it elsewhere)

The course itself needs nothing of this; the tools are among the development ones.
"""
