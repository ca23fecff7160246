"""Which module holds which commands. Loaded when a command is called whose family is not, and let go again: so a family
that a host does not use costs nothing but its file.
"""

# Each line: the owner's name in ``AtUser.owners``; the modules that the family loads, the first with a function
# ``commands(owner)`` that gives its table; behind a colon its commands. Lines take half the memory of tuples.
_FAMILIES = (
    b"system module_commands settings: +RST +RESTORE +GMR +CMD +SYSLOG +SYSRAM +SYSSTORE +SYSMSG +USERPROMPT",
    b"system chip_commands: +SYSTIMESTAMP +SYSREG +SYSTEMP +RFPOWER",
    b"system uart_commands uart_line settings: +UART +UART_CUR +UART_DEF",
    b"system file_commands: +FS +FSMOUNT",
    b"system flash_commands host_data: +SYSFLASH",
    b"system user_ram: +USERRAM",
    b"system filter_commands: +SYSMSGFILTER +SYSMSGFILTERCFG",
    b"wifi wifi_commands wifi_control settings: +CWMODE +CWJAP +CWQAP +CWSTATE",
    b"wifi station_commands wifi_control settings: +CWINIT +CWAUTOCONN +CWRECONNCFG +CWHOSTNAME +CWCOUNTRY +MDNS",
    b"wifi ip_commands addresses settings wifi_control: +CIPSTAMAC +CIPAPMAC +CIPSTA +CIPAP +CWDHCP +CWDHCPS",
    b"wifi dns_commands addresses settings: +CIPDNS",
    b"wifi scan_commands scan addresses settings: +CWLAP +CWLAPOPT",
    b"wifi access_point_commands addresses settings: +CWSAP +CWLIF +CWQIF",
    b"ota ota_commands: +USEROTA +USEROTASTART +USEROTADATA +USEROTAEND +USEROTAABORT",
    b"ota ota_settings: +USEROTACFG +SYSROLLBACK",
    b"wake wake_settings: +USERWKMCUCFG",
    b"wake power_commands: +GSLP +SLEEPWKCFG",
    b"wifi link_open net: +CIPSTART +CIPSTARTEX",
    b"wifi link_commands net: +CIPSEND +CIPCLOSE +CIPRECVDATA +CIPRECVLEN",
    b"wifi link_state net: +CIPSTATUS +CIPSTATE",
    b"wifi server_commands net: +CIPSERVER +CIPSERVERMAXCONN +CIPSTO",
    b"wifi link_options net net_settings settings: +CIPTCPOPT +CIPRECONNINTV +TRANSINTVL +CIPSENDLCFG",
    b"wifi link_send net: +CIPSENDEX +CIPSENDL",
    b"wifi saved_link net settings: +SAVETRANSLINK",
    b"wifi tls_settings net net_settings settings: +CIPSSLCCONF +CIPSSLCSNI +CIPSSLCCN",
    b"wifi cipher_commands cipher_suites net: +CIPSSLCCIPHER",
    b"wifi address_commands: +CIFSR +CIPDOMAIN +PING",
    b"wifi time_commands net: +CIPSNTPCFG +CIPSNTPTIME +CIPSNTPINTV",
    b"wifi link_settings net: +CIPMUX +CIPDINFO +CIPRECVTYPE +CIPRECVMODE +CIPMODE",
    b"wifi http_commands: +HTTPCLIENT +HTTPGETSIZE +HTTPCGET +HTTPCPOST +HTTPCPUT +HTTPURLCFG +HTTPCHEAD",
    b"wifi mqtt_commands: +MQTTCONN +MQTTPUB +MQTTPUBRAW +MQTTSUB +MQTTUNSUB +MQTTCLEAN",
    b"wifi mqtt_settings: +MQTTUSERCFG +MQTTLONGCLIENTID +MQTTLONGUSERNAME +MQTTLONGPASSWORD +MQTTCONNCFG +MQTTSNI",
)


def family_of(name):
    """Owner and modules of the family with this command, or None."""
    for line in _FAMILIES:
        if name in line and name in line[line.find(b":") + 2 :].split():
            return _of(line)
    return None


def family_at(number):
    """Owner and modules of a family, or None behind the last one."""
    return _of(_FAMILIES[number]) if number < len(_FAMILIES) else None


def _of(line):
    return line[: line.find(b":")].decode().split(" ", 1)
