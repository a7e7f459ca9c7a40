"""How an approval is shown, in any medium: one card for the web inbox, the command line and Temporal's text.

view     an approval as typed rows, bound to its digest
digest   the digest of a card: what somebody had before them
visible  text in which nothing hides
words    outcomes, deadlines and moments in words
"""
