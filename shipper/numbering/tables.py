"""Brazil's numbering plan as tables, and the world's country calling codes.

Sources: Anatel's published lists of national codes, of carrier selection codes (CSP) and of public utility
services; codes that were given back stay, for a CDR table reaches years back. ITU-T E.164 for the country
calling codes. The tests hold all of it against the metadata of libphonenumber where that knows it.
"""

# fmt: off
AREA_CODES = frozenset((
    "11", "12", "13", "14", "15", "16", "17", "18", "19", "21", "22", "24", "27", "28", "31", "32", "33",
    "34", "35", "37", "38", "41", "42", "43", "44", "45", "46", "47", "48", "49", "51", "53", "54", "55",
    "61", "62", "63", "64", "65", "66", "67", "68", "69", "71", "73", "74", "75", "77", "79", "81", "82",
    "83", "84", "85", "86", "87", "88", "89", "91", "92", "93", "94", "95", "96", "97", "98", "99",
))
"""The 67 area codes (DDD)."""

CARRIERS = {
    "12": "Algar (CTBC)", "13": "Fonar", "14": "Oi (Brasil Telecom)", "15": "Vivo (Telefônica)",
    "17": "Transit", "19": "Epsilon", "21": "Claro (Embratel)", "22": "", "23": "TIM (Intelig)",
    "24": "Primeira Escolha", "25": "Vivo (GVT)", "26": "IDT", "27": "Aerotech", "28": "Alpamayo",
    "29": "T-Leste", "31": "Oi (Telemar)", "32": "Convergia", "34": "Teledados", "35": "Easytone",
    "36": "DSLI", "37": "Golden Line", "38": "Viper", "39": "", "41": "TIM", "42": "GT Group",
    "43": "Sercomtel", "45": "Level 3 (Global Crossing)", "46": "Hoje", "47": "BT", "48": "Plenna",
    "49": "Cambridge", "51": "51 Brasil", "52": "LinkNET", "53": "Ostara", "54": "Telebit", "55": "",
    "56": "Espas", "57": "Itavoice", "58": "Stellar", "61": "Nexus", "62": "OTS", "63": "Hello Brazil",
    "64": "Neotelecom", "65": "CGB VOIP", "67": "E1", "69": "Redevox", "71": "Dollarphone",
    "72": "Locaweb", "81": "Datora (Sermatel)", "84": "BBT", "89": "Konecta", "91": "Falkland",
    "95": "Nebracam", "96": "Amigo", "98": "Alpha", "99": "",
}
"""Carrier selection codes (CSP) and whose they are or were; empty where no public list names the carrier."""

SERVICES = frozenset((
    "100", "102", "111", "112", "115", "116", "117", "118", "123", "125", "127", "128", "129", "130", "132",
    "134", "135", "136", "138", "141", "142", "145", "146", "147", "148", "150", "151", "152", "153", "154",
    "155", "156", "157", "158", "159", "160", "161", "162", "163", "164", "165", "166", "167", "168", "180",
    "181", "185", "188", "190", "191", "192", "193", "194", "196", "197", "198", "199", "911",
    "1331", "1332",
))
"""Public utility and emergency services of three digits, and the two of the regulator itself."""

NATIONWIDE = frozenset((
    "3000", "3001", "3002", "3003", "3004", "3005", "3006", "3007", "3008", "3009",
    "4000", "4001", "4002", "4003", "4004", "4005", "4006", "4007", "4008", "4009",
    "4020", "4370", "4864",
))
"""First four of the eight digits of a number that is the same in every area."""

NON_GEOGRAPHIC = {
    "800": "toll_free", "300": "shared_cost", "303": "shared_cost", "500": "service", "900": "service",
}
"""What stands behind the 0 of 0800, 0300, 0303, 0500 (donations) and 0900 (premium), and its category."""

COUNTRY_CODES = frozenset((
    "1", "7", "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46",
    "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65",
    "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98", "211", "212", "213", "216",
    "218", "220", "221", "222", "223", "224", "225", "226", "227", "228", "229", "230", "231", "232", "233",
    "234", "235", "236", "237", "238", "239", "240", "241", "242", "243", "244", "245", "246", "247", "248",
    "249", "250", "251", "252", "253", "254", "255", "256", "257", "258", "260", "261", "262", "263", "264",
    "265", "266", "267", "268", "269", "290", "291", "297", "298", "299", "350", "351", "352", "353", "354",
    "355", "356", "357", "358", "359", "370", "371", "372", "373", "374", "375", "376", "377", "378", "380",
    "381", "382", "383", "385", "386", "387", "389", "420", "421", "423", "500", "501", "502", "503", "504",
    "505", "506", "507", "508", "509", "590", "591", "592", "593", "594", "595", "596", "597", "598", "599",
    "670", "672", "673", "674", "675", "676", "677", "678", "679", "680", "681", "682", "683", "685", "686",
    "687", "688", "689", "690", "691", "692", "800", "808", "850", "852", "853", "855", "856", "870", "878",
    "880", "881", "882", "883", "886", "888", "960", "961", "962", "963", "964", "965", "966", "967", "968",
    "970", "971", "972", "973", "974", "975", "976", "977", "979", "992", "993", "994", "995", "996", "998",
))
"""Country calling codes; no code begins with another one."""
# fmt: on


def country_code(digits: str) -> str:
    """Return the country calling code that digits begin with, or nothing."""
    for length in (1, 2, 3):
        if digits[:length] in COUNTRY_CODES:
            return digits[:length]
    return ""


def is_service(digits: str) -> bool:
    """Return whether digits are one of Brazil's short services.

    Besides `SERVICES` these are the carriers' own: 103 and the CSP (fixed), 105x (mobile), 106x and 106xx
    (other carriers, television).
    """
    if digits in SERVICES:
        return True
    head, rest = digits[:3], digits[3:]
    if head == "103":
        return rest in CARRIERS
    return (head == "105" and len(rest) == 1) or (head == "106" and len(rest) in {1, 2})
