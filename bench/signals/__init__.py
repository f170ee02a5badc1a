"""Stops commands with signals at random moments, and checks that the next run reaches the expected end state.

    python -m bench.signals [--seed 1] [--moments 20] [COMMAND ...]

For each command that writes, an undisturbed run defines the expected end state and the normal duration. Then the
command runs in copies of the same database. SIGKILL, SIGTERM and SIGINT arrive at random moments between half of the
start-up time and the normal duration. SIGTERM and SIGINT must end the command within 10 seconds. The command must print
a one-line message without a traceback, and end with the exit code of the signal. Then it runs again without a signal.

All commands run in a temporary folder with a separate embedded server, against the local servers of the samples.
"""
