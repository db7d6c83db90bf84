"""The how-to world: a small generated world of everyday tasks whose ground truth is known.

Read in this order: `world` (what is true), `voices` (how people talk), `sentences`, `recognise` and `judge`
(what an answer is worth), `assistants` (who answers), `annotator` (who rates), `prompts` (what is asked),
`pipeline` (from a prompt to a row, stage by stage), `build` (the data set), `train` (the language models),
`evaluate` (their cards).
"""
