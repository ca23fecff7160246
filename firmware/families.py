"""Which module holds which commands. Loaded when a command is called whose family is not, and let go again: so a family
that a host does not use costs nothing but its file.
"""

# The owner's name in ``AtUser.owners``; the modules that the family loads, the first with a function
# ``commands(owner)`` that gives its table; its commands.
FAMILIES = (
    ("system", "module_commands", "+RST +RESTORE +GMR +CMD +SYSLOG +SYSRAM +USERPROMPT"),
    ("system", "uart_commands uart_line settings", "+UART +UART_CUR +UART_DEF"),
    ("system", "user_ram", "+USERRAM"),
    ("wifi", "wifi_commands wifi_control", "+CWMODE +CWJAP +CWQAP +CWSTATE"),
    ("ota", "ota_commands", "+USEROTA +USEROTASTART +USEROTADATA +USEROTAEND +USEROTAABORT"),
    ("ota", "ota_settings", "+USEROTACFG +SYSROLLBACK"),
    ("wake", "wake_settings", "+USERWKMCUCFG"),
    ("wake", "power_commands", "+GSLP +SLEEPWKCFG"),
    ("wifi", "link_open net", "+CIPSTART +CIPSTARTEX"),
    ("wifi", "link_commands net", "+CIPSEND +CIPCLOSE +CIPRECVDATA +CIPRECVLEN"),
    ("wifi", "link_state net", "+CIPSTATUS +CIPSTATE"),
    ("wifi", "server_commands net", "+CIPSERVER +CIPSERVERMAXCONN +CIPSTO"),
    ("wifi", "link_options net", "+CIPTCPOPT +CIPRECONNINTV +TRANSINTVL +CIPSENDLCFG"),
    ("wifi", "link_send net", "+CIPSENDEX +CIPSENDL"),
    ("wifi", "tls_settings net", "+CIPSSLCCONF +CIPSSLCSNI +CIPSSLCCN"),
    ("wifi", "address_commands", "+CIFSR +CIPDOMAIN +CIPDNS +PING"),
    ("wifi", "time_commands net", "+CIPSNTPCFG +CIPSNTPTIME +CIPSNTPINTV"),
    ("wifi", "link_settings net", "+CIPMUX +CIPDINFO +CIPRECVTYPE +CIPRECVMODE +CIPMODE"),
)


def family_of(name):
    """Owner and modules of the family with this command, or None."""
    for owner, modules, names in FAMILIES:
        if name in names.split():
            return owner, modules
    return None
