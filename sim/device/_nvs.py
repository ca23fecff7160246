"""``esp32.NVS``; the values live in the simulated flash and every change is written at once, as in ESP-IDF."""

import _board


def _name(text):
    return text + ""  # TypeError unless it is a string


class NVS:
    def __init__(self, namespace):
        self._namespace = namespace
        _board.call("nvs.open", _name(namespace))

    def __repr__(self):
        return "<NVS namespace>"

    def set_i32(self, key, value):
        _board.call("nvs.set_i32", self._namespace, _name(key), value | 0)

    def get_i32(self, key):
        return _board.call("nvs.get_i32", self._namespace, _name(key))

    def set_blob(self, key, value):
        _board.call("nvs.set_blob", self._namespace, _name(key), payload=_board.readable(value))

    def get_blob(self, key, buffer):
        return _board.call("nvs.get_blob", self._namespace, _name(key), len(buffer), into=buffer)

    def erase_key(self, key):
        _board.call("nvs.erase_key", self._namespace, _name(key))

    def commit(self):
        pass
