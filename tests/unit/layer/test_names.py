"""Names: which field a name that is pushed is for."""

from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

from attendee_sync import attendee
from attendee_sync.profile import field_names, names
from attendee_sync.profile.names import Kind, Names

PERSON = names.standard().person


def field_of(name: str) -> str:
    entry = PERSON[name]
    return entry.field if entry else ""


@pytest.mark.parametrize("field", field_names.NAMES)
def test_each_name_of_the_table_is_its_fields(field: str) -> None:
    for name in field_names.NAMES[field]:
        assert field_of(name.rstrip("?")) == field, name


def test_no_name_is_in_the_table_twice() -> None:
    counts = Counter(names.fold(name) for name in chain.from_iterable(field_names.NAMES.values()))
    assert [name for name, count in counts.items() if count > 1] == []


def test_the_table_has_the_fields_of_attendees() -> None:
    assert field_names.NAMES.keys() == attendee.FIELDS.keys() | {
        field_names.FULL_NAME,
        field_names.FAMILY_NAME_FIRST,
        field_names.HOUSE_NUMBER,
        field_names.NAME_PARTICLE,
    }


@pytest.mark.parametrize("field", field_names.NAMES)
def test_the_docs_have_the_table(field: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "mapping.md").read_text()
    assert f"| {', '.join(f'`{name}`' for name in field_names.NAMES[field])} |" in page


@pytest.mark.parametrize(
    "name",
    [
        "first_name",
        "FIRST_NAME",
        "FirstName",
        "first-name",
        "First name",
        "First Name *",
        "$first",
        "Prénom",
        "PRENOM",
        "Vorname",
        "First Name (required)",
        "Your first name",
        "First_Name__c",
        "attendee_first_name",
        "contact[first_name]",
        "fields[first_name]",
        "q3_firstName",
        "person.name.firstName",
        "properties.firstname.value",
        "What is your first name?",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
        "Given Name",
    ],
)
def test_case_accents_and_what_stands_around_a_name_do_not_matter(name: str) -> None:
    assert field_of(name) == "firstname"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("E-mail 1 - Value", "email"),
        ("workPhones", "phone"),
        ("mobile_numbers", "phone"),
        ("roles", ""),
        ("E-Mail-Adresse", "email"),
        ("E-mail Address", "email"),
        ("personalEmail.address", "email"),
        ("Organization Name", "companyname"),
        ("Company / Organization", "companyname"),
        ("Business Phone", "phone"),
        ("Phone 1 - Value", "phone"),
        ("workPhone.number", "phone"),
        ("Business Street", "address1"),
        ("Address 1 - City", "city"),
        ("homeAddress.city", "city"),
        ("MailingPostalCode", "zip"),
        ("address1_stateorprovince", "state"),
        ("State/Province", "state"),
        ("Straße", "address1"),
        ("PLZ", "zip"),
        ("電話番号", "phone"),
        ("your-name", field_names.FULL_NAME),
        ("Ulica i nr", "address1"),
        ("Miejscowość", "city"),
        ("Ad\u0131", "firstname"),
        ("İsim", "firstname"),
        ("Soyad\u0131", "lastname"),
        ("Cep Telefonu Numaras\u0131", "phone"),
        ("手机号码", "phone"),
        ("電子メールアドレス", "email"),
        ("Razão social", "companyname"),
        ("Vej", "address1"),
        ("By", "city"),
        ("Telefonní číslo", "phone"),
        ("Ulice a č.p.", "address1"),
        ("Irányítószám", "zip"),
        ("Επώνυμο", "lastname"),
        ("Nama Lengkap", field_names.FULL_NAME),
        ("Which company do you work for?", "companyname"),
        ("What is the name of your company?", "companyname"),
        ("Company you work for", "companyname"),
        ("Who is your employer?", "companyname"),
        ("Which country are you based in?", "countryid"),
        ("In which city do you live?", "city"),
        ("Your e-mail, please", "email"),
        ("What is the best phone number to reach you?", "phone"),
        ("What is your job title?", "jobtitle"),
        ("First name as it should appear on your badge", "firstname"),
        ("Für welches Unternehmen arbeiten Sie?", "companyname"),
        ("In welchem Land wohnen Sie?", "countryid"),
        ("Wie lautet Ihre E-Mail-Adresse?", "email"),
        ("Quelle est votre adresse e-mail ?", "email"),
        ("Dans quelle entreprise travaillez-vous ?", "companyname"),
        ("¿En qué empresa trabaja?", "companyname"),
        ("Qual é o seu cargo?", "jobtitle"),
        ("Wat is uw achternaam?", "lastname"),
        ("Vad heter ditt företag?", "companyname"),
    ],
)
def test_exports_and_headers_are_known(name: str, field: str) -> None:
    assert field_of(name) == field


@pytest.mark.parametrize(
    "name",
    [
        "manager_email",
        "ManagerEmail",
        "Email (manager)",
        "owner",
        "company_owner_email",
        "id",
        "Phone 1 - Type",
        "E-mail 1 - Type",
        "form_name",
        "Form name",
        "email_opt_in",
        "event_city",
        "Assistant's Phone",
        "emergencyContact",
        "manager",
        "organizer",
        "_envelope",
        "Do you work for a company?",
        "Is this your work e-mail?",
        "Which city would you like to visit?",
        "Which country did you visit last?",
        "Who referred you? (email)",
        "What is your manager's e-mail?",
        "What is your company's city?",
        "How many people work for your company?",
        "x" * 101,
        "",
    ],
)
def test_what_is_of_somebody_or_something_else_is_not_read(name: str) -> None:
    assert PERSON[name] is None


@pytest.mark.parametrize(
    "name",
    [
        "attributes",
        "traits",
        "contactInfo",
        "user_attributes",
        "_acme",
        "data",
        "Attendee",
        "field_data",
        "userColumnData",
        "dataFields",
        "personal details",
        "customer",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "user_identities",
    ],
)
def test_an_object_that_holds_the_person_is_known_by_its_words(name: str) -> None:
    entry = PERSON[name]
    assert entry
    assert (entry.kind, entry.within is PERSON) == (Kind.HOLDER, True)


def test_a_destinations_own_names_come_first() -> None:
    own = Names({"companyname": ["Arbeitgeberin"], "jobtitle": ["Company"]}).person
    named, taken, other = own["arbeitgeberin"], own["company"], own["organisation"]
    assert named
    assert taken
    assert other
    assert (named.field, named.rank) == ("companyname", 0)
    assert taken.field == "jobtitle"
    assert (other.field, other.rank > 0) == ("companyname", True)


def test_what_is_kept_of_names_has_a_limit() -> None:
    place = Names().person
    for n in range(5_000):
        assert place[f"custom {n}"] is None
    assert len(place) == 4_096
