"""The same jobs done by Towpath and by other tools, measured beside each other: `make bench`.

`jobs.py` says which jobs there are, `peers/` how each tool does them, `environments.py` in which versions.
`__main__.py` runs them, `report.py` makes the page and the picture of what was measured.
"""
