"""What is known of single recorded callbacks, beside what their files say themselves."""

from __future__ import annotations

from tests.conftest import HOOK_SECRET

# What no part of the product reads, and the doors at which its carrier may knock all the same.
NO_VOICE, NO_AIRTIME = "there is no phone line yet", "no airtime is given to anybody"
NO_PREMIUM = "nobody pays for texts: there is no premium service"
NOT_HANDLED = {
    "at-airtime-status": NO_AIRTIME,
    "at-airtime-validation": NO_AIRTIME,
    "at-subscription-addition": NO_PREMIUM,
    "at-subscription-capital": NO_PREMIUM,
    "at-subscription-deletion": NO_PREMIUM,
    "at-voice-1-ringing": NO_VOICE,
    "at-voice-2-digits": NO_VOICE,
    "at-voice-3-recording": NO_VOICE,
    "at-voice-4-end": NO_VOICE,
    "at-voice-outbound-no-answer": NO_VOICE,
    "at-voice-plus-date": NO_VOICE,
    "twilio-voice-1-ringing": NO_VOICE,
    "twilio-voice-2-digits": NO_VOICE,
    "twilio-voice-2-no-digits": NO_VOICE,
    "twilio-voice-3-recording": NO_VOICE,
    "twilio-voice-status-completed": NO_VOICE,
    "twilio-voice-status-no-answer": NO_VOICE,
}
# An address in the wrong box at the carrier. At "opt-out" a subscription would be a stop, whatever it says.
WRONG_DOORS = {
    "at": [f"/hooks/africastalking/{event}/{HOOK_SECRET}" for event in ("ussd", "ussd-end", "sms-in", "receipt")],
    "twilio": ["/hooks/twilio/sms", "/hooks/twilio/status"],
}
REFUSED = {"at-sms-in-empty", "at-sms-in-latin1-raw", "twilio-sms-in-forged", "twilio-sms-in-no-signature"}
MACHINES = {"at-sms-in-alphanumeric-sender"}
STOPS = {"at-sms-in-stop", "twilio-sms-in-stop", "twilio-sms-in-arret"}
STOPPED_BY_THE_CARRIER = {"twilio-sms-in-stop"}  # which answered her too: a reply of ours would be refused
CHANGED_TEXTS = {"at-sms-in-latin1-percent": "caf\ufffd"}  # an octet that is no UTF-8: the rest is kept

CHANNEL = {"at": "africastalking"}
STATE = {
    "at-dlr-other-number": "accepted",
    "at-dlr-premium-retries": "delivered",
    "at-dlr-unknown-status": "accepted",
    "at-dlr-late-sent": "delivered",
    "twilio-status-late-sent": "delivered",
    "twilio-status-unknown": "accepted",
    "twilio-status-whatsapp-read": "delivered",
    "orange-dlr": "delivered",
    "orange-dlr-impossible": "undelivered",
}
"""Where the file's `final` and `class` do not say it."""
DELIVERED = {"at-dlr-success", "twilio-status-delivered", "kannel-dlr-01-delivered"}
