"""The bodies that cameras push, written from the makers' published formats and from recorded pushes, with synthetic
plates. Not made with the controller's code."""
import base64
import json
import time

HIKVISION_BOUNDARY = "---------------------------7e13971310878"


def vzenith(plateid, photos, license="豫A12345", **changes):
    """AlarmInfoPlate as the vendor's protocol text prints it; `changes` go into PlateResult (None leaves out)."""
    now = time.time()
    civil = time.gmtime(now + 8 * 3600)
    result = {
        "bright": 0, "carBright": 0, "carColor": 0,
        "car_brand": {"brand": 0, "type": 7, "year": 0},
        "carlocation": {"RECT": {"bottom": 0, "left": 0, "right": 0, "top": 0}},
        "clean_time": 0, "colorType": 2, "colorValue": 0, "confidence": 97, "direction": 4, "feature_code": "",
        "gioouts": [{"ctrltype": 0, "ionum": 0}, {"ctrltype": 0, "ionum": "1"}],
        "imagePath": "%2Fmnt%2Fusb%2Fsda1%2Fplate.jpg",
        "is_fake_plate": 0, "isoffline": 0, "license": license, "license_ext_type": 0,
        "location": {"RECT": {"bottom": 700, "left": 512, "right": 700, "top": 640}},
        "plate_distance": 0, "plate_true_width": 0, "plateid": plateid,
        "plates": [{"color": 2, "license": license, "plate_width": 120, "pos": {"bottom": 1, "left": 1}, "type": 3}],
        "timeStamp": {"Timeval": {
            "decday": civil.tm_mday, "dechour": civil.tm_hour, "decmin": civil.tm_min, "decmon": civil.tm_mon,
            "decsec": civil.tm_sec, "decyear": civil.tm_year, "sec": int(now), "usec": int(now % 1 * 1e6)}},
        "timeUsed": 0, "triggerType": 1, "type": 3,
    }
    for name, photo in zip(("imageFile", "imageFragmentFile"), photos):
        result[name] = base64.b64encode(photo).decode()
        result[name + "Len"] = len(photo)
    result.update(changes)
    result = {name: value for name, value in result.items() if value is not None}
    return alarm({"PlateResult": result})


def alarm(result, **changes):
    message = {
        "channel": 0, "deviceName": "IVS", "ipaddr": "192.0.2.11", "result": result, "rule_id": 0,
        "serialno": "5ad1f0e3-4d1b7f2c", "user_data": "", **changes,
    }
    message = {name: value for name, value in message.items() if value is not None}
    return json.dumps({"AlarmInfoPlate": message}, ensure_ascii=False).encode("utf-8")


def anpr(uuid, license="豫A12345", prefix="", namespace="http://www.isapi.org/ver20/XMLSchema", without=()):
    """EventNotificationAlert; `prefix` such as `ns1:` as a recorder puts before every name."""
    def tag(name, content):
        return "" if name in without else f"<{prefix}{name}>{content}</{prefix}{name}>\n"

    declared = f'xmlns:{prefix[:-1]}="{namespace}"' if prefix else f'xmlns="{namespace}"'
    picture = "".join(
        tag("pictureInfo", tag("fileName", name + ".jpg") + tag("type", name) + tag("dataType", 0))
        for name in ("licensePlatePicture", "detectionPicture"))
    details = (
        tag("country", 8) + tag("licensePlate", license) + tag("line", 1) + tag("direction", "forward")
        + tag("confidenceLevel", "97.4") + tag("plateType", "92TypeCivil") + tag("plateColor", "yellow")
        + tag("licenseBright", 0) + tag("plateCharBelieve", "99,99,99,99,98,99,99") + tag("vehicleType", "truck")
        + tag("detectDir", 1) + tag("detectType", 1) + tag("barrierGateCtrlType", 0) + tag("alarmDataType", 0)
        + tag("vehicleInfo", tag("index", 7) + tag("vehicleType", 2) + tag("vehileSubLogoRecog", 0) + tag("speed", 8))
        + tag("pictureInfoList", picture) + tag("originalLicensePlate", license))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{prefix}EventNotificationAlert version="2.0" {declared}>\n'
        + tag("ipAddress", "192.0.2.12") + tag("portNo", 80) + tag("protocol", "HTTP")
        + tag("macAddress", "02:00:00:00:00:12") + tag("channelID", 1)
        + tag("dateTime", time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(time.time() + 8 * 3600)))
        + tag("activePostCount", 1) + tag("eventType", "ANPR") + tag("eventState", "active")
        + tag("eventDescription", "ANPR") + tag("channelName", "A01") + tag("deviceID", 88)
        + tag("ANPR", details) + tag("UUID", uuid) + tag("picNum", 2)
        + f"</{prefix}EventNotificationAlert>\n").encode("utf-8")


def hikvision(document, photos, only_filename=False, picture_type="image/jpeg", boundary=HIKVISION_BOUNDARY):
    """The multipart body; `only_filename`: parts without a name, as some firmware sends them."""
    body = b""
    names = ("licensePlatePicture.jpg", "detectionPicture.jpg")
    parts = [("anpr.xml", "text/xml", document)]
    parts += [(name, picture_type, photo) for name, photo in zip(names, reversed(photos))]
    for name, kind, content in parts:
        given = f'filename="{name}"' if only_filename else f'name="{name}"; filename="{name}"'
        head = f"--{boundary}\r\nContent-Disposition: form-data; {given}\r\nContent-Type: {kind}\r\n"
        body += f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


def hikvision_type(boundary=HIKVISION_BOUNDARY):
    return f"multipart/form-data; boundary={boundary}"
