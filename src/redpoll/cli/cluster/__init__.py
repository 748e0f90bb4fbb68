"""`redpoll cluster`: make, check, mend and reshape clusters of redpoll, Valkey and Redis nodes.

The plans (allocation, moves, findings, repairs) are pure functions of what the nodes say; `nodes.py` talks with the
nodes; one file for each family of subcommands carries the plans out; `main.py` knows the words of the command line.
"""
