"""Subscriptions simulated over years: what each customer has on each day, and the rows that follow from it."""
