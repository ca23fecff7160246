"""``esp32.NVS``; the values live in the simulated flash and every change is written at once, as in ESP-IDF."""

import _board


class NVS:
    def __init__(self, namespace):
        self._namespace = namespace
        _board.call("nvs.open", namespace)

    def __repr__(self):
        return "<NVS namespace>"

    def set_i32(self, key, value):
        _board.call("nvs.set_i32", self._namespace, key, value)

    def get_i32(self, key):
        return _board.call("nvs.get_i32", self._namespace, key)

    def set_blob(self, key, value):
        _board.call("nvs.set_blob", self._namespace, key, payload=value.encode() if isinstance(value, str) else value)

    def get_blob(self, key, buffer):
        return _board.call("nvs.get_blob", self._namespace, key, len(buffer), into=buffer)

    def erase_key(self, key):
        _board.call("nvs.erase_key", self._namespace, key)

    def commit(self):
        pass
