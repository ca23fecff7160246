"""Which module holds which commands. Loaded when a command is called whose family is not, and let go again: so a family
that a host does not use costs nothing but its file.
"""

# The owner's name in ``AtUser.owners``; the modules that the family loads, the first with a function
# ``commands(owner)`` that gives its table; its commands.
FAMILIES = (
    ("system", "module_commands settings", b"+RST +RESTORE +GMR +CMD +SYSLOG +SYSRAM +SYSSTORE +SYSMSG +USERPROMPT"),
    ("system", "chip_commands", b"+SYSTIMESTAMP +SYSREG +SYSTEMP +RFPOWER"),
    ("system", "uart_commands uart_line settings", b"+UART +UART_CUR +UART_DEF"),
    ("system", "file_commands", b"+FS +FSMOUNT"),
    ("system", "flash_commands host_data", b"+SYSFLASH"),
    ("system", "user_ram", b"+USERRAM"),
    ("system", "filter_commands", b"+SYSMSGFILTER +SYSMSGFILTERCFG"),
    ("wifi", "wifi_commands wifi_control settings", b"+CWMODE +CWJAP +CWQAP +CWSTATE"),
    (
        "wifi",
        "station_commands wifi_control settings",
        b"+CWINIT +CWAUTOCONN +CWRECONNCFG +CWHOSTNAME +CWCOUNTRY +MDNS",
    ),
    (
        "wifi",
        "ip_commands addresses settings wifi_control",
        b"+CIPSTAMAC +CIPAPMAC +CIPSTA +CIPAP +CWDHCP +CWDHCPS +CIPDNS",
    ),
    ("wifi", "scan_commands scan addresses settings", b"+CWLAP +CWLAPOPT"),
    ("wifi", "access_point_commands addresses settings", b"+CWSAP +CWLIF +CWQIF"),
    ("ota", "ota_commands", b"+USEROTA +USEROTASTART +USEROTADATA +USEROTAEND +USEROTAABORT"),
    ("ota", "ota_settings", b"+USEROTACFG +SYSROLLBACK"),
    ("wake", "wake_settings", b"+USERWKMCUCFG"),
    ("wake", "power_commands", b"+GSLP +SLEEPWKCFG"),
    ("wifi", "link_open net", b"+CIPSTART +CIPSTARTEX"),
    ("wifi", "link_commands net", b"+CIPSEND +CIPCLOSE +CIPRECVDATA +CIPRECVLEN"),
    ("wifi", "link_state net", b"+CIPSTATUS +CIPSTATE"),
    ("wifi", "server_commands net", b"+CIPSERVER +CIPSERVERMAXCONN +CIPSTO"),
    ("wifi", "link_options net", b"+CIPTCPOPT +CIPRECONNINTV +TRANSINTVL +CIPSENDLCFG"),
    ("wifi", "link_send net", b"+CIPSENDEX +CIPSENDL"),
    ("wifi", "saved_link net settings", b"+SAVETRANSLINK"),
    ("wifi", "tls_settings net", b"+CIPSSLCCONF +CIPSSLCSNI +CIPSSLCCN"),
    ("wifi", "address_commands", b"+CIFSR +CIPDOMAIN +PING"),
    ("wifi", "time_commands net", b"+CIPSNTPCFG +CIPSNTPTIME +CIPSNTPINTV"),
    ("wifi", "link_settings net", b"+CIPMUX +CIPDINFO +CIPRECVTYPE +CIPRECVMODE +CIPMODE"),
    ("wifi", "http_commands", b"+HTTPCLIENT +HTTPGETSIZE +HTTPCGET +HTTPCPOST +HTTPCPUT +HTTPURLCFG +HTTPCHEAD"),
    ("wifi", "mqtt_commands", b"+MQTTCONN +MQTTPUB +MQTTPUBRAW +MQTTSUB +MQTTUNSUB +MQTTCLEAN"),
    (
        "wifi",
        "mqtt_settings",
        b"+MQTTUSERCFG +MQTTLONGCLIENTID +MQTTLONGUSERNAME +MQTTLONGPASSWORD +MQTTCONNCFG +MQTTSNI",
    ),
)


def family_of(name):
    """Owner and modules of the family with this command, or None."""
    for owner, modules, names in FAMILIES:
        if name in names.split():
            return owner, modules
    return None
