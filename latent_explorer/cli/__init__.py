# SPDX-License-Identifier: MIT
"""The command line: one module a family of commands, each importing what it needs when it runs.

No science and no widgets here: commands parse, call the packages below, and print events and one result.
"""
