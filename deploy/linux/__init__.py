"""Installs, upgrades and removes the agent on a store's Linux; standard library, `shipper` and pymysql only.

Everything that is told to a person is a `Text`: Portuguese and English side by side. Only `cli` prints.
"""
