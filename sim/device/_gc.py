# gc of the ESP32 port: what the simulator's own modules hold does not count.
import gc as _host

import _board

collect, enable, disable, isenabled = _host.collect, _host.enable, _host.disable, _host.isenabled
threshold, mem_free = _host.threshold, _host.mem_free
_mem_alloc = _host.mem_alloc


def mem_alloc():
    return _mem_alloc() - _board.own_heap
