"""A page that shows what a run would do, or what a small run did: for people who look before and after.

`story` holds what is told, `narrator` makes it of calls and answers, `known` asks journy.io, `page` writes it down.
"""
