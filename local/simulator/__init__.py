"""A stand-in for RainFocus: an HTTP server that stores attendees in memory.

RainFocus publishes no API reference. What public sources show, and the simulator follows:

- the envelope `{"responseCode": "0", "responseMessage": "Success", ...}`, its code a string, in
  `application/json;charset=UTF-8`, with an `attendeeId` of 16 digits and 4 alphanumerics;
- the path style `/api/{orgId}/{v2 or v3}/{call}`, the call names `attendee/store` and
  `attendeeInfo`, the shape of the latter's `attendee`, and the names of the attendee fields;
- HTTP 400 with code 103 for a missing parameter, HTTP 200 with code 124 for a call that the API
  profile may not make, and an HTML page with HTTP 404 for an unknown path;
- that production and staging accept no tokens of each other;
- the logging of API profiles, though not its columns.

Everything else is a guess that lets the client's settings be tried out. Comments beginning with
"Invented:" mark each one. The simulator is strict: it refuses every dialect but the one set.
"""
