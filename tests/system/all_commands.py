"""A walk through every form of every command that the module lists, ended by upgrades and the restarts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tests.system import links, ram
from tests.system.host import OK, PROMPT, READY, WRITE_OK, Host
from tests.system.http_server import HttpServer
from tests.system.servers import EchoServer
from tests.system.small_broker import SmallBroker, message
from tests.system.upgrades import RESTART_PATIENCE, UPGRADE_PATIENCE, after_restart, image, version

VERSIONS = ("9.8.6", "9.8.7")
PIECE = 4096
PATIENCE = 20.0

# Lines that are answered with OK, in an order in which they can be.
BEFORE_JOINING = (
    b"AT",
    b"AT+GMR",
    b"AT+CMD?",
    *(b"AT+SYSLOG" + form for form in (b"=1", b"?", b"=0", b"=?")),
    *(b"AT+SYSRAM" + form for form in (b"?", b"=4", b"=?")),
    *(b"AT+SLEEP" + form for form in (b"=1", b"?", b"=0", b"=?")),
    b"AT+SLEEPWKCFG=?",
    b"AT+SLEEPWKCFG=2,13,1",
    b"AT+GSLP=?",
    b"AT+USERREPORT?",
    *(b"AT+USERPROMPT" + form for form in (b"=10000", b"?", b"=?")),
    *(b"AT+SYSSTORE" + form for form in (b"=0", b"?", b"=1", b"=?")),
    *(b"AT+SYSMSG" + form for form in (b"=0", b"?", b"=?")),
    *(b"AT+SYSTIMESTAMP" + form for form in (b"=1732000000", b"?", b"=?")),
    *(b"AT+SYSMSGFILTER" + form for form in (b"=0", b"?", b"=?")),
    *(b"AT+SYSMSGFILTERCFG" + form for form in (b"=0", b"?", b"=?")),
    *(b"AT+SYSFLASH" + form for form in (b"?", b"=?")),
    *(b"AT+FSMOUNT" + form for form in (b"=1", b"=?")),
    *(b"AT+FS" + form for form in (b"=1,6", b"=?")),
    *(b"AT+SYSREG" + form for form in (b"=0,0x3FF5A00C", b"=?")),
    *(b"AT+CWMODE" + form for form in (b"=3", b"?", b"=?")),
    *(b"AT+RFPOWER" + form for form in (b"=78", b"?", b"=?")),
    *(b"AT+CWSAP" + form for form in (b'="ESP","",5,0', b"?", b"=?")),
    b"AT+CWLIF",
    b"AT+CWQIF",
    b"AT+CWQIF=?",
    *(b"AT+CIPAPMAC" + form for form in (b'="1a:fe:35:98:d3:7c"', b"?", b"=?")),
    *(b"AT+CIPAP" + form for form in (b'="192.168.5.1"', b"?", b"=?")),
    *(b"AT+CWDHCPS" + form for form in (b"=0", b"?", b"=?")),
    b"AT+CWMODE=1",
    *(b"AT+CWINIT" + form for form in (b"=1", b"?", b"=?")),
    *(b"AT+CWAUTOCONN" + form for form in (b"=1", b"?", b"=?")),
    *(b"AT+CWRECONNCFG" + form for form in (b"=1,0", b"?", b"=?")),
    *(b"AT+CWHOSTNAME" + form for form in (b'="module"', b"?", b"=?")),
    *(b"AT+CWCOUNTRY" + form for form in (b'=1,"CN",1,13', b"?", b"=?")),
    *(b"AT+MDNS" + form for form in (b'=1,"module","_http",80', b"=?")),
    *(b"AT+CIPSTAMAC" + form for form in (b'="1a:fe:35:98:d3:7b"', b"?", b"=?")),
    *(b"AT+CIPSTA" + form for form in (b'="192.168.1.50"', b"?", b"=?")),
    *(b"AT+CWDHCP" + form for form in (b"=1,1", b"?", b"=?")),
    *(b"AT+CWLAPOPT" + form for form in (b"=1,2047", b"=?")),
    *(b"AT+CWLAP" + form for form in (b"", b'="sim-ap"', b"=?")),
    b"AT+CWSTATE?",
    b"AT+CWJAP?",
    b"AT+CWJAP=?",
)
WHEN_JOINED = (
    b"AT+CWJAP?",
    b"AT+CWSTATE?",
    b"AT+USERWKMCUCFG=?",
    b"AT+USERWKMCUCFG=1,1,18,1,100,7",
    b"AT+USERWKMCUCFG?",
    *(b"AT+USERMCUSLEEP" + form for form in (b"=1", b"?", b"=0", b"=?")),
    b"AT+USERWKMCUCFG=0",
    *(b"AT+UART_CUR" + form for form in (b"?", b"=115200,8,1,0,0", b"=?")),
    *(b"AT+UART_DEF" + form for form in (b"?", b"=115200,8,1,0,1", b"=?")),
    *(b"AT+UART" + form for form in (b"?", b"=115200,8,1,0,1", b"=?")),
    b"AT+USERRAM?",
    b"AT+USERRAM=?",
    b"AT+USEROTA=?",
    b"AT+USEROTA?",
    *(b"AT+USEROTACFG" + form for form in (b"=0,1", b"?", b"=?")),
    b"AT+USEROTASTART=?",
    b"AT+USEROTADATA=?",
)
LINK_SETTINGS = (
    *(b"AT+CIP" + name + b"=?" for name in (b"START", b"STARTEX", b"SEND", b"CLOSE", b"RECVDATA")),
    *(b"AT+CIPMUX" + form for form in (b"=?", b"?", b"=0")),
    *(b"AT+CIPMODE" + form for form in (b"=?", b"=1", b"?", b"=0")),
    *(b"AT+CIPDINFO" + form for form in (b"=?", b"=1", b"?", b"=0")),
    *(b"AT+CIPRECVTYPE" + form for form in (b"=?", b"=0", b"?")),
    *(b"AT+CIPRECVMODE" + form for form in (b"=?", b"=1", b"?")),
    *(b"AT+CIPSERVER" + form for form in (b"=?", b"?", b"=0")),
    *(b"AT+CIPSERVERMAXCONN" + form for form in (b"=?", b"=5", b"?")),
    *(b"AT+CIPSTO" + form for form in (b"=?", b"=180", b"?")),
    *(b"AT+CIPTCPOPT" + form for form in (b"=?", b"=-1,0,0,0", b"?")),
    *(b"AT+CIPRECONNINTV" + form for form in (b"=?", b"=1", b"?")),
    *(b"AT+TRANSINTVL" + form for form in (b"=?", b"=20", b"?")),
    *(b"AT+CIPSENDLCFG" + form for form in (b"=?", b"=1024", b"?")),
    *(b"AT+CIPSSLCCONF" + form for form in (b"=?", b"=0", b"?")),
    *(b"AT+CIPSSLCSNI" + form for form in (b"=?", b'=""', b"?")),
    *(b"AT+CIPSSLCCN" + form for form in (b"=?", b'=""', b"?")),
    *(b"AT+CIPSSLCCIPHER" + form for form in (b"=?", b"=1,0xC02B", b"?", b"=0")),
    *(b"AT+SAVETRANSLINK" + form for form in (b"=?", b"=0")),
    b"AT+CIPSENDEX=?",
    b"AT+CIPSENDL=?",
    b"AT+CIFSR",
    *(b"AT+CIPDOMAIN" + form for form in (b"=?", b'="localhost"')),
    *(b"AT+CIPDNS" + form for form in (b"=?", b"?", b'=1,"192.168.1.1"')),
    *(b"AT+PING" + form for form in (b"=?", b'="127.0.0.1"')),
    *(b"AT+CIPSNTPCFG" + form for form in (b"=?", b"?", b"=0")),
    b"AT+CIPSNTPTIME?",
    *(b"AT+CIPSNTPINTV" + form for form in (b"=?", b"=3600", b"?")),
)
MQTT = (
    *(b"USERCFG", b"LONGCLIENTID", b"LONGUSERNAME", b"LONGPASSWORD", b"CONNCFG", b"SNI"),
    *(b"CONN", b"PUB", b"PUBRAW", b"SUB", b"UNSUB", b"CLEAN"),
)
HTTP = (b"CLIENT", b"GETSIZE", b"CGET", b"CPOST", b"CPUT", b"URLCFG", b"CHEAD")


@dataclass
class Walk:
    """The walk of one host (echo off, just started); ``lines`` are those sent so far."""

    host: Host
    server: HttpServer
    ssid: bytes = b"sim-ap"
    password: bytes = b"sim-password"
    lines: list[bytes] = field(default_factory=list)

    def run(self, block: int = 0) -> None:
        """Send everything; a block of ``block`` bytes is held during each upgrade. AssertionError at the first answer
        that is not as it must be."""
        data = ram.fill(self.host, block) if block else b""
        self._commands(BEFORE_JOINING)
        # The names of a family stay when it has been let go: no host uses all families between two restarts.
        self._restart(b"AT+RST")
        data = ram.fill(self.host, block) if block else b""
        self._command(b'AT+CWJAP="%s","%s"' % (self.ssid, self.password))
        self._commands((b"AT+CWQAP", b"AT+CWJAP"))
        self._commands(WHEN_JOINED)
        self._links()
        if data:
            self.host.command(b"AT+USERRAM=3,%d" % len(data), ram.chunks(data), OK, patience=PATIENCE)
        else:
            self._small_block()
        self._echo()
        self._fail_to_upgrade()
        self._upgrade(VERSIONS[0])
        self._restart(b"AT+RESTORE")
        self._restart(b"AT+RST")
        self._restart(b"AT+GSLP=1")
        if block:
            ram.fill(self.host, block)
        self._feed(VERSIONS[1])
        self._command(b"AT+SYSROLLBACK?")
        self._restart(b"AT+SYSROLLBACK")
        assert version(self.host) == VERSIONS[0]
        self._check_forms(clients=False)

    def run_clients(self, block: int) -> None:
        """Send everything that HTTP and MQTT have, beside a block of ``block`` bytes."""
        data = ram.fill(self.host, block)
        self._command(b"AT+CWMODE=1")
        self._command(b'AT+CWJAP="%s","%s"' % (self.ssid, self.password))
        self._http()
        self._mqtt()
        self.host.command(b"AT+USERRAM=3,%d" % block, ram.chunks(data), OK, patience=PATIENCE)
        self._check_forms(clients=True)

    def _check_forms(self, clients: bool) -> None:
        """All forms of HTTP and MQTT must have been sent, or all others."""
        wanted = [form for form in self._forms() if form.startswith((b"AT+HTTP", b"AT+MQTT")) == clients]
        missing = [form for form in wanted if not any(line.startswith(form) for line in self.lines)]
        assert not missing, f"not walked through: {missing}"

    def _commands(self, lines: tuple[bytes, ...]) -> None:
        for line in lines:
            self._command(line)

    def _command(self, line: bytes) -> bytes:
        self.lines.append(line)
        answer = self.host.answer(line, PATIENCE)
        assert answer.endswith(OK), f"{line!r} was answered with {answer!r}"
        return answer

    def _small_block(self) -> None:
        self._command(b"AT+USERRAM=1,256")
        self._data(b"AT+USERRAM=2,256", bytes(256))
        self.host.expect(WRITE_OK)
        self._commands((b"AT+USERRAM=3,256", b"AT+USERRAM=4", b"AT+USERRAM=0"))

    def _echo(self) -> None:
        self._commands((b"ATE1", b"ATE0"))

    def _links(self) -> None:
        """A link at a time, then several, with data both ways."""
        self._commands(LINK_SETTINGS)
        with EchoServer() as server:
            target = b'"TCP","127.0.0.1",%d' % server.port
            self._command(b"AT+CIPSTART=" + target)
            self._data(b"AT+CIPSEND=5", b"hello")
            self.host.expect(b"\r\nRecv 5 bytes\r\n\r\nSEND OK\r\n\r\n+IPD,5\r\n")
            self._data(b"AT+CIPSENDEX=5", b"hello")
            self.host.expect(b"\r\nRecv 5 bytes\r\n\r\nSEND OK\r\n")
            self._data(b"AT+CIPSENDL=5", b"hello")
            self.host.expect(b"+CIPSENDL:5,5\r\n\r\nSEND OK\r\n")
            self._commands((b"AT+CIPSTATUS", b"AT+CIPSTATE?", b"AT+CIPRECVLEN?", b"AT+CIPRECVDATA=9", b"AT+CIPCLOSE"))
            self._commands((b"AT+CIPRECVMODE=0", b"AT+CIPMODE=1", b"AT+CIPSTART=" + target))
            self._command(b"AT+SYSMSG=1")
            self._data(b"AT+CIPSEND", b"")
            links.escape(self.host)
            self._commands((b"AT+SYSMSG=0", b"AT+CIPCLOSE", b"AT+CIPMODE=0"))
            self._commands((b"AT+CIPMUX=1", b"AT+CIPRECVTYPE=5,0"))
            self._commands((b"AT+CIPSTARTEX=" + target, b"AT+CIPCLOSE=0", b"AT+CIPMUX=0"))

    def _http(self) -> None:
        self.server.files["/text"] = b"text"
        url = self.server.url("/text").encode()
        self._commands(tuple(b"AT+HTTP%s=?" % name for name in HTTP))
        self._commands((b'AT+HTTPCLIENT=2,0,"%s",,,1' % url, b'AT+HTTPGETSIZE="%s"' % url))
        self._data(b"AT+HTTPURLCFG=%d" % len(url), url)
        self.host.expect(b"\r\nSET OK\r\n")
        self._data(b"AT+HTTPCHEAD=6", b"X-A: b")
        self.host.expect(OK)
        self._commands((b"AT+HTTPURLCFG?", b"AT+HTTPCHEAD?", b'AT+HTTPCGET=""'))
        for name in (b"HTTPCPOST", b"HTTPCPUT"):
            self._data(b'AT+%s="",4' % name, b"data")
            self.host.expect(b"+%s:4,text\r\n\r\nSEND OK\r\n" % name)
        self._commands((b"AT+HTTPURLCFG=0", b"AT+HTTPCHEAD=0"))

    def _mqtt(self) -> None:
        self._commands(tuple(b"AT+MQTT%s=?" % name for name in MQTT))
        self._command(b'AT+MQTTUSERCFG=0,1,"id","user","password",0,0,""')
        for name in (b"CLIENTID", b"USERNAME", b"PASSWORD"):
            self._data(b"AT+MQTTLONG%s=0,4" % name, b"long")
            self.host.expect(OK)
        self._commands((b'AT+MQTTCONNCFG=0,0,0,"topic","gone",0,0', b'AT+MQTTSNI=0,"broker"'))
        with SmallBroker() as broker:
            self._command(b'AT+MQTTCONN=0,"127.0.0.1",%d,0' % broker.port)
            self._commands((b'AT+MQTTSUB=0,"topic",0', b"AT+MQTTSUB?", b'AT+MQTTPUB=0,"topic","data",1,0'))
            self._data(b'AT+MQTTPUBRAW=0,"topic",4,2,0', b"data")
            self.host.expect(b"+MQTTPUB:OK\r\n")
            broker.say(message(b"topic", b"data"))
            self.host.expect(b'+MQTTSUBRECV:0,"topic",4,data\r\n')
            # With both of them.
            self._command(b'AT+HTTPCGET="%s"' % self.server.url("/text").encode())
            self._commands((b'AT+MQTTUNSUB=0,"topic"', b"AT+MQTTCONN?", b"AT+MQTTCLEAN=0"))

    def _fail_to_upgrade(self) -> None:
        """From a file that is not there."""
        self._send_url(self.server.url("/no-such-image.bin").encode())
        answer = self.host.read_answer(PATIENCE)
        assert answer == b"\r\nERROR\r\n", answer

    def _feed(self, new: str) -> None:
        """Through the port: once given up, once to its end."""
        data = image(new)
        start = b'AT+USEROTASTART=%d,"%s"' % (len(data), hashlib.sha256(data).hexdigest().encode())
        self._command(start)
        self._feed_piece(data[:PIECE])
        self._command(b"AT+USEROTAABORT")
        self._command(start)
        for begin in range(0, len(data), PIECE):
            self._feed_piece(data[begin : begin + PIECE])
        self._restart(b"AT+USEROTAEND")
        assert version(self.host) == new

    def _feed_piece(self, piece: bytes) -> None:
        self._data(b"AT+USEROTADATA=%d" % len(piece), piece)
        self.host.expect(b"\r\nRecv %d bytes\r\n" % len(piece) + OK)

    def _upgrade(self, new: str) -> None:
        self.server.files["/image.bin"] = image(new)
        self._send_url(self.server.url("/image.bin").encode())
        self.host.expect(OK, UPGRADE_PATIENCE)
        after_restart(self.host)
        assert version(self.host) == new

    def _send_url(self, url: bytes) -> None:
        self._data(b"AT+USEROTA=%d" % len(url), url)
        self.host.expect(b"\r\nRecv %d bytes\r\n" % len(url))

    def _data(self, line: bytes, data: bytes) -> None:
        """A command that asks for data, up to these."""
        self.lines.append(line)
        self.host.command(line, PROMPT)
        self.host.write(data)

    def _restart(self, line: bytes) -> None:
        self._command(line)
        self.host.read_until(READY, RESTART_PATIENCE)
        self.host.command(b"ATE0", b"ATE0\r\n", OK)

    def _forms(self) -> list[bytes]:
        """What AT+CMD? lists: how a line begins that uses the form."""
        forms = []
        for line in self.host.answer(b"AT+CMD?").split(b"\r\n"):
            if line.startswith(b"+CMD:"):
                name, *has = line.split(b",")[1:]
                tails = (b"=?", b"?", b"=", b"")
                forms += [name.strip(b'"') + tail for tail, there in zip(tails, has, strict=True) if there == b"1"]
        assert forms
        return forms
