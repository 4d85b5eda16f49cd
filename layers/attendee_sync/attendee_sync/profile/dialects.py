"""Dialects: names that mean something, or nothing, only in the records of one system.

Such as LDAP's `l` for the town. The system is told by others of its names.
Imports the standard library alone, since ingest uses it.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Dialect(NamedTuple):
    """What is known of one system's names."""

    signs: frozenset[str]  # by one of which an object is the system's
    names: Mapping[str, str]  # with the name of the common table that means the same, or nothing


ALL: Final = (
    # Attributes of LDAP and Active Directory: https://www.rfc-editor.org/rfc/rfc4519
    Dialect(
        frozenset({"cn", "distinguishedName", "dn", "objectClass", "sn", "userPrincipalName"}),
        {"c": "country iso", "co": "country name", "l": "city", "o": "organization", "st": "state"},
    ),
    # Each item of a list of SharePoint's has a title, whatever stands there, and one of the others:
    # https://learn.microsoft.com/en-us/sharepoint/dev/sp-add-ins/working-with-lists-and-list-items-with-rest
    Dialect(
        frozenset({"ContentTypeId", "FileSystemObjectType", "GUID", "ItemInternalId"})
        | {"{Identifier}", "__metadata", "OData__UIVersionString", "_UIVersionString"}
        | {"EditorLookupId", "@odata.etag"},
        {"Title": ""},
    ),
    # Partners of Odoo: https://www.odoo.com/documentation/18.0/developer/reference/external_api.html
    Dialect(
        frozenset({"commercial_company_name", "commercial_partner_id", "company_type"})
        | {"is_company", "parent_name"},
        {"parent_id": "company name", "parent_name": "company name"},
    ),
    # Contacts and leads of Bitrix24: https://apidocs.bitrix24.com/api-reference/crm/contacts/
    Dialect(
        frozenset({"ASSIGNED_BY_ID", "COMPANY_TITLE", "HONORIFIC", "SECOND_NAME"}),
        {"COMPANY_TITLE": "company name", "NAME": "first name", "POST": "job title"},
    ),
)
