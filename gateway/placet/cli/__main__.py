"""`python -m placet.cli`: how `placet up` starts its children, whatever is on PATH."""

from placet.cli import main

main()
