"""Grading a class with nbgrader: student versions, sandboxed runs, grades.csv, feedback, a report.

    course          where everything lies; nbgrader's configuration and API; release
    standing        points by hand: which answer they are for, and which wait for a person
    submissions     whatever was handed in, read and put in order: a notebook to grade, or a reason
    sandbox         student code in bubblewrap, with limits; kernel: what starts inside
    execute         nbgrader's Execute, so that each cell ends in a result or a reason
    run             one process a submission, several at once, with limits; goes on where it was stopped
    warm            what each of these processes needs, imported once
    results         points, reasons and diagnosed mistakes out of nbgrader's gradebook and notebooks
    report          grades.csv and the report on the class
    manual          points for the open questions, from a CSV file

    templates/      the head of the feedback page

`python -m pedagogy.grading release` and `python -m pedagogy.grading grade FOLDER`; nothing else uses it.
"""
