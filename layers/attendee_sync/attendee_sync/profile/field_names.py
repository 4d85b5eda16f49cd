"""Field names: under which names senders push what an attendee's fields hold, in one table.

Case, accents, blanks and punctuation in names do not matter: `first_name`, `FirstName` and `Prénom`
are found under `first name` and `prenom`. A dot stands for an object within another.

Imports the standard library alone, since ingest uses it.
"""

from collections.abc import Mapping
from typing import Final

FULL_NAME: Final = "fullname"  # no field of attendees: first and last name in one text
HOUSE_NUMBER: Final = "housenumber"  # likewise: of a street without it, which it is joined to
NAME_PARTICLE: Final = "nameparticle"  # likewise: of the last name, such as `de`
FAMILY_NAME_FIRST: Final = "familynamefirst"  # likewise: a full name in the other order
FIRST_AND_LAST: Final = ("firstname", "lastname")  # fields of attendees
# The fields of an address, which are taken together from one place.
PLACE: Final = ("address1", HOUSE_NUMBER, "address2", "city", "state", "zip", "countryid")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(","))


# For each field its names, the better ones first. What ends in "?" may mean something else and
# counts only where there is no other. From the documentation and exports of Adobe Experience
# Platform and Campaign, Segment, RudderStack, Tealium, mParticle, Braze, HubSpot, Salesforce,
# Dynamics, Marketo, Eloqua, Mailchimp, Klaviyo, Iterable, Cvent, Swoogo, Splash, Eventbrite, Zoom,
# SCIM, OpenID Connect, Microsoft Graph, schema.org, Google's and Outlook's contacts, and from
# headers of spreadsheets in the languages of Europe and some others.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "address1": _listed(
        "address1, address line 1, address line, addr line 1, address one, street1, street line 1,"
        " line1, street address, street address 1, street address line 1, address street 1, street,"
        " street name, addr1, address, addr, stras, address lines, street and number, thoroughfare,"
        " adresse, strasse, strasse und hausnummer, strasse nr, anschrift, rue, adresse 1, adresse"
        " ligne 1, adresse"
        " postale, calle, direccion, direccion 1, domicilio, via, indirizzo, rua, endereco, morada,"
        " logradouro, straat, straat en huisnummer, adres, gata, gatuadress, adress, gade,"
        " gateadresse, osoite, katuosoite, ulica, adres ulica, улица, адрес, 住所, 地址, 주소,"
        " العنوان,"
        " via e numero civico, via e numero, ulica i numer, ulica i nr, ulica i numer domu, ulica"
        " i nr domu, adres zamieszkania, adres korespondencyjny, sokak, cadde, acik adres, calle y"
        " numero, direccion postal, endereco postal, indirizzo postale, numero et rue, n et rue,"
        " numero et nom de rue, strasse hausnummer, strassenname, straatnaam, straat huisnummer,"
        " straat en nummer, utdelningsadress, postadress?, postadresse?, postiosoite?, vej,"
        " vejnavn, gadenavn, gade og husnummer, vejnavn og husnummer, gatenavn, lahiosoite,"
        " adresa, ulice, ulice a cislo, ulice a cislo popisne, ulice a cp, ulice cp, ulica a"
        " cislo, ulica i broj, utca, utca hazszam, utca es hazszam, cim?, strada, вулиця, адреса,"
        " διεύθυνση, οδός, 详细地址, 联系地址, 通讯地址, 街道地址, 公司地址, 街道, 詳細地址,"
        " ご住所, 番地, 町名番地, 도로명 주소, כתובת, רחוב, alamat, đia chi,"
        " ที่อยู่, पता, آدرس"
    ),
    "address2": _listed(
        "address2, address line 2, addr line 2, address two, street2, street line 2, line2, street"
        " address 2, street address line 2, address street 2, addr2, extended address, suite, apt,"
        " apartment, address extension, adresszusatz, adresse 2, adresse ligne 2, complement"
        " adresse, complement d'adresse, direccion 2, complemento,"
        " adresszeile 2, adresregel 2, indirizzo 2, endereco 2, 建物名, ビル名, マンション名,"
        " 建物名部屋番号, 상세주소"
    ),
    "city": _listed(
        "city, town, locality, city name, city town, address locality, post town, municipality,"
        " city 1, ort01, admin area 2, address level 2, postal town, ort, stadt, wohnort, ville,"
        " localite, ciudad, localidad, poblacion, municipio, citta, comune, cidade, plaats,"
        " woonplaats, stad, postort, poststed, kaupunki, postitoimipaikka,"
        " miasto, miejscowosc, sehir, mesto, город, 市区町村, 城市, 도시, المدينة,"
        " commune, localita, localidade, gemeente, kunta, paikkakunta, by?, bynavn, sted?, il?,"
        " obec, varos, telepules, oras, localitate, mjesto, місто, населенный пункт, πόλη, 市,"
        " 所在城市, 市町村, 시, עיר, kota, thanh pho, suburb?,"
        " เมือง, शहर, شهر"
    ),
    "companyname": _listed(
        "company name, company, organization name, organisation name, organization, organisation,"
        " b2b.company name, account.name, employer, employer name, business name, org name, org,"
        " works for, associated company?, parent customer id.name, parent account id.name, parent"
        " customer id account.name, parent account.name, primary account.name, work.company,"
        " work.company name,"
        " employment.name, employment.company, employment.company name, organizations, companies,"
        " current company, sales account name, company organization, firm, institution, institution"
        " name, affiliation, billing.company, billing address.company, default address.company,"
        " firma, firmenname, name der firma, unternehmen, unternehmensname, name ihres"
        " unternehmens, name des unternehmens, arbeitgeber, societe, nom de la societe, entreprise,"
        " nom de l'entreprise, raison sociale, organisme, empresa, nombre de la empresa, nombre de"
        " empresa, compania, organizacion, azienda, nome azienda, societa, ragione sociale, nome da"
        " empresa, organizacao, companhia, bedrijf, bedrijfsnaam, organisatie, werkgever, foretag,"
        " foretagsnamn, arbetsgivare, virksomhed, virksomhet, firmanavn, bedrift, selskap, yritys,"
        " yrityksen nimi, nazwa firmy, sirket, sirket adi, spolecnost, компания, организация,"
        " 会社名, 会社, 公司, 公司名称, 单位, 회사, 회사명, الشركة, اسم الشركة,"
        " workplace, place of work, przedsiebiorstwo, pracodawca, organizacja, instytucja, firma"
        " adi, kurum, kurum adi, kurulus, instituicao, razao social, nome da organizacao, impresa,"
        " ditta, nome dell'azienda, nome della societa, organizzazione, ente?, employeur,"
        " etablissement, structure?, institucion, razon social, entidad, betrieb, naam"
        " organisatie, naam bedrijf, onderneming, instelling, bolag, arbetsplats, foretagets namn,"
        " virksomhedsnavn, virksomhedens navn, arbejdsgiver, arbejdsplads, bedriftsnavn,"
        " arbeidsgiver, organisasjon, organisaatio, tyonantaja, yhtio, nazev firmy, nazev"
        " spolecnosti, jmeno firmy, organizace, zamestnavatel, spolocnost, nazov firmy, nazov"
        " spolocnosti, ceg, cegnev, ceg neve, vallalat, munkahely, companie, nume companie, numele"
        " companiei, denumire firma, organizatie, tvrtka, naziv tvrtke, poduzece, kompanija,"
        " название компании, название организации, наименование организации, место работы,"
        " компанія, назва компанії, організація, εταιρεία, εταιρία, επωνυμία, επωνυμία εταιρείας,"
        " 公司名稱, 单位名称, 企业名称, 企业, 工作单位, 所属公司, 企業名, 貴社名, 御社名, 勤務先,"
        " 勤務先名, 組織名, 所属, 所属先, 法人名, 団体名, 소속, 소속기관, 기업명, 직장, جهة العمل,"
        " المؤسسة, חברה, שם החברה, ארגון, perusahaan, nama perusahaan, cong ty, ten cong ty,"
        " บริษัท, ชื่อบริษัท, หน่วยงาน, कंपनी, شرکت"
    ),
    "countryid": _listed(
        "country id, country code, country, country iso code, country iso, country iso2, iso"
        " country code, country code iso, country code alpha 2, country code v2, country iso3,"
        " land1, country name, address country, country region, country or region, country of"
        " residence, nation, land,"
        " landercode, landerkennzeichen, pays, code pays, pais, codigo de pais, codigo pais, paese,"
        " codice paese, nazione, landcode, landkod, maa, kraj, ulke, zeme, страна, 国, 国家, 국가,"
        " الدولة, البلد,"
        " pays de residence, pais de residencia, paese di residenza, panstwo, stato?, staat?,"
        " stat?, krajina, orszag, tara?, drzava, zemlja, країна, χώρα, 國家, 国名, 国地域, 나라,"
        " מדינה, ארץ, negara, quoc gia,"
        " ประเทศ, देश, کشور"
    ),
    "email": _listed(
        "email, email address, primary email, primary email address, default email, default email"
        " address, preferred email, main email, work email, work email address, business email,"
        " business email address, company email, corporate email, office email, professional"
        " email, personal email, personal email address, mail, mail address,"
        " email 1, emails, email addresses, email id, email addr, smtp addr, smtp address, home"
        " email, private email, email 2, secondary email, alternate email, other email, other"
        " mails, billing.email, buyer email, responders email,"
        " emailadresse, mailadresse, adresse email, adresse mail, adresse electronique, adresse"
        " courriel, courriel, email professionnel, correo, correo electronico, direccion de correo,"
        " direccion de correo electronico, email corporativo, posta elettronica, indirizzo email,"
        " indirizzo mail, indirizzo di posta elettronica, endereco de email, correio eletronico,"
        " emailadres, mailadres, epost, epostadress, epostadresse, sahkoposti, sahkopostiosoite,"
        " adres email, eposta, eposta adresi, почта, электронная почта, эл почта, メールアドレス,"
        " メール, 邮箱, 电子邮箱, 电子邮件, 이메일, 이메일 주소, البريد الإلكتروني, user name?,"
        " preferred username?, user principal name?, upn?, alternate id?, login?, user id?,"
        " external id?, distinct"
        " id?,"
        " adres mailowy, poczta elektroniczna, direccion de email, adresse de messagerie, mejl,"
        " mejladress, emailova adresa, elektronicka posta, emailcim, adresa de email, adresa"
        " email, email adresa, имейл, емейл, адрес электронной почты, электронный адрес,"
        " електронна пошта, електронна адреса, ηλεκτρονικό ταχυδρομείο, διεύθυνση email, 邮箱地址,"
        " 电子邮件地址, 电子邮箱地址, 電子郵件, 電子信箱, 電郵, 信箱?, eメール, 電子メール,"
        " eメールアドレス, 電子メールアドレス, emailアドレス, 메일, الإيميل, אימייל, כתובת אימייל,"
        " דואל, דואר אלקטרוני, alamat email, surel, đia chi email,"
        " อีเมล, ईमेल, ایمیل, پست الکترونیک"
    ),
    "firstname": _listed(
        "first name, given name, name.first name, name.given name, name.first, name.given, full"
        " name.first, legal name.first name, legal name.given name, names.given name, names.first"
        " name, forename, fname, first, given names, first names, preferred first name,"
        " billing.first name, buyer first name, vorname, prenom, prenoms, nombre, nombres, primer"
        " nombre, nome, primeiro nome, nome proprio, voornaam, fornamn, fornavn, etunimi, imie,"
        " adi, jmeno, имя, 名, 名前, الاسم الأول,"
        " ad?, isim, ilk ad, adiniz, rufname, vornamen, nombre de pila, roepnaam, tilltalsnamn,"
        " etunimet, kutsumanimi, krestni jmeno, meno, krstne meno, keresztnev, utonev, prenume,"
        " ime, ім'я, όνομα, שם פרטי, nama depan,"
        " ชื่อ, ชื่อจริง, पहला नाम, نام"
    ),
    "jobtitle": _listed(
        "job title, extended work details.job title, work.job title, work.title, company.job"
        " title,"
        " employment.title, employment.job title, organizations.title, organization.title,"
        " organizations.job title, job position, position title, business title, professional"
        " title, current title, job role, designation, occupation, job, title?, position?, role?,"
        " headline?, function?, funktion, berufsbezeichnung, beruf, stellenbezeichnung, jobtitel,"
        " poste, fonction, intitule du poste, intitule de poste, titre du poste, titre"
        " professionnel, cargo, puesto, puesto de trabajo, titulo del puesto, ruolo, posizione,"
        " posizione lavorativa, qualifica,"
        " mansione, titolo di lavoro, funcao, functie, functietitel, befattning, yrkestitel,"
        " stilling, stillingsbetegnelse, stillingstittel, titel?, tehtavanimike, titteli?,"
        " stanowisko, pozice, unvan?, должность, 役職, 职位, 职务, 직책, 직위, المسمى الوظيفي,"
        " profession, stanowisko pracy, gorev, meslek, pozisyon, is unvani, profissao, titulo"
        " profissional, posicao, professione, carica, metier, titre?, profesion, ocupacion, rol?,"
        " roll?, tatigkeit, stelle?, beroep, functienaam, yrke, jobbtitel, tittel?, ammatti,"
        " tyonimike, asema?, pracovni pozice, pracovni zarazeni, povolani, funkce, pozicia,"
        " pracovna pozicia, beosztas, munkakor, pozicio, pozitie, titlu post, radno mjesto,"
        " pozicija, посада, θέση?, θέση εργασίας, τίτλος εργασίας, 职称, 職位, 職稱, 岗位, 職種,"
        " 役職名, 肩書き, 직함, 직급, 직무, الوظيفة, المنصب, תפקיד, jabatan, pekerjaan, chuc vu,"
        " chuc danh,"
        " ตำแหน่ง, ตำแหน่งงาน, पदनाम, سمت"
    ),
    "lastname": _listed(
        "last name, family name, name.last name, name.family name, name.last, name.family, full"
        " name.last, legal name.last name, legal name.family name,"
        " names.family name, names.last name, surname, name.surname, lname, last, last names,"
        " surnames, sn?, billing.last name, buyer last name, nachname, familienname, zuname, nom de"
        " famille, nom, apellido, apellidos, primer apellido, cognome, sobrenome, apelido, ultimo"
        " nome, achternaam, familienaam, efternamn, efternavn, etternavn, sukunimi, nazwisko,"
        " soyad, soyadi, prijmeni, фамилия, 姓, 名字, اسم العائلة,"
        " soyisim, soyadiniz, apellido paterno, nom de naissance, priezvisko, vezeteknev,"
        " csaladnev, nume, nume de familie, prezime, прізвище, επώνυμο, επίθετο, 姓氏, 苗字, 성,"
        " الاسم الأخير, שם משפחה, nama belakang,"
        " นามสกุล, उपनाम, نام خانوادگی"
    ),
    "phone": _listed(
        "phone, phone number, telephone, telephone number, telephone"
        " 1, mobile phone, mobile phone number, mobile, mobile number, cell phone, cell phone"
        " number, cell, cell number, work phone, work phone number, business phone, business phone"
        " number, office phone, direct phone, home phone, home phone number, primary phone, primary"
        " phone number, default phone, default phone number, main phone, tel, tel number, phone 1,"
        " telf1, mobile telephone, contact number, daytime phone, day phone, bus phone, phones,"
        " phone numbers, business phones, telephones, handphone, billing.phone, billing"
        " address.phone, default address.phone, buyer phone, msisdn, sms?, whatsapp?, telefon,"
        " telefonnummer, telefonnr,"
        " rufnummer, handy, handynummer, mobil, mobilnummer, mobiltelefon, mobilfunknummer, numero"
        " de telephone, portable, telephone portable, telephone mobile, telefono, numero de"
        " telefono, telefono movil, movil, celular, cellulare, numero di telefono, numero di"
        " cellulare, telefone, numero de telefone, telemovel, telefoon, telefoonnummer, mobiel,"
        " mobiel nummer, gsm, puhelin, puhelinnumero, numer telefonu, cep telefonu, телефон, номер"
        " телефона, 電話番号, 電話, 电话, 手机, 手机号, 전화번호, 휴대폰, الهاتف, رقم الهاتف,"
        " mob, nr telefonu, nr tel, telefon komorkowy, tel komorkowy, komorka, telefon kontaktowy,"
        " telefon numarasi, cep telefonu numarasi, numero de celular, numero de telemovel,"
        " telefone celular, telefone de contato, contacto telefonico, numero telefonico, telefono"
        " cellulare, telefono fisso, numero cellulare, recapito telefonico, n de telephone,"
        " telephone fixe, tel portable, numero de portable, numero de mobile, telefono celular,"
        " telefono de contacto, numero de movil, num de telefono, mobiltelefonnummer,"
        " ruckrufnummer, festnetz, festnetznummer, mobiele nummer, mobiele telefoon, 06 nummer,"
        " gsm nummer, telefoonnr, tlf, tlf nr, matkapuhelin, matkapuhelinnumero, telefonni cislo,"
        " telefonne cislo, mobilni telefon, tel cislo, cislo telefonu, telefonszam, numar de"
        " telefon, nr telefon, telefon mobil, broj telefona, mobitel, мобильный телефон,"
        " мобильный, моб телефон, контактный телефон, номер телефону, мобільний телефон, τηλέφωνο,"
        " κινητό, κινητό τηλέφωνο, αριθμός τηλεφώνου, 手机号码, 电话号码, 联系电话, 移动电话,"
        " 联系方式?, 手機, 手機號碼, 電話號碼, 聯絡電話, 携帯電話, 携帯電話番号, 携帯番号, 携帯,"
        " お電話番号, 휴대폰 번호, 휴대전화, 휴대전화번호, 핸드폰, 핸드폰 번호, 전화, 연락처, رقم"
        " الجوال, الجوال, رقم الموبايل, טלפון, נייד, טלפון נייד, מספר טלפון, nomor telepon, no"
        " telepon, telepon, nomor hp, no hp, so đien thoai, đien thoai,"
        " โทรศัพท์, เบอร์โทรศัพท์, เบอร์โทร, फ़ोन, मोबाइल, تلفن, شماره تماس"
    ),
    "state": _listed(
        "state, country sub division code, country subdivision, state province, state code,"
        " province code, province, state or province, region code, region, state region, state"
        " province region, state name, state abbreviation, state prov, prov, administrative area,"
        " administrative area code, administrative area level 1, administrative district,"
        " administrative district level 1, admin district, admin area 1, state or region, province"
        " name, region province, address level 1, regio, address region, region name, state id?,"
        " county?,"
        " bundesland, kanton, provincia, estado, comunidad autonoma, regione, regiao, provincie,"
        " lan, fylke,"
        " maakunta, wojewodztwo, область, 都道府県, 省, 省份,"
        " eyalet, distrito?, uf, departement, departamento, judet, регион, край, 省直辖市, 시도,"
        " provinsi"
    ),
    "zip": _listed(
        "zip, zip code, postal code, postcode, zip postal code, zip postal, postal, pin code,"
        " postal code zip, post code 1, pstlz, plz, postleitzahl, plz ort, plz und ort, code"
        " postal, code postal et ville, cp, codigo postal, codice postale, cap, cep, codigo de"
        " enderecamento postal,"
        " postnummer, postnr, postinumero, kod pocztowy, posta kodu, psc, индекс, почтовый индекс,"
        " 郵便番号, 邮编, 邮政编码, 우편번호, الرمز البريدي,"
        " postovni smerovaci cislo, iranyitoszam, irsz, cod postal, postanski broj, індекс,"
        " поштовий індекс, ταχυδρομικός κώδικας, τκ, 郵遞區號, 郵政編碼, מיקוד, kode pos,"
        " รหัสไปรษณีย์, पिन कोड, کد پستی"
    ),
    HOUSE_NUMBER: _listed(
        "house number, house no, house nr, house num, street number, street no, building number,"
        " hausnummer, hausnr, huisnummer, huisnr, numero, numero exterior, num exterior,"
        " numero civico, civico, numero de rue, numero de voie, husnummer, husnr, talonumero, numer"
        " domu, nr domu, cislo popisne, kapi no, дом, номер дома,"
        " cislo domu, hazszam"
    ),
    NAME_PARTICLE: _listed(
        "tussenvoegsel, tussenvoegsels, voorvoegsel, voorvoegsels, last name prefix, surname"
        " prefix, family name prefix, name particle, surname particle, name infix, infix,"
        " namenszusatz, namensvorsatz, vorsatzwort, particule, name prefix?"
    ),
    FULL_NAME: _listed(
        "full name, name.full name, name.full, name.formatted, name.display name, names.display"
        " name, name?, display name, formatted name, name first and last, first and last name,"
        " first name and last name, first name last name, cn?, vor und nachname, vorname und"
        " nachname, vorname nachname, vollstandiger name, nom complet, prenom et nom, nombre"
        " completo, nombre y apellidos, nombre y apellido, nome completo, nome e cognome, nome e"
        " sobrenome, naam, volledige naam, voornaam en achternaam, namn, for och efternamn, navn,"
        " fullt navn, nimi, imie i nazwisko, ad soyad, adi soyadi, имя и фамилия, 氏名, お名前,"
        " 姓名, 이름, 성명,"
        " الاسم, الاسم الكامل,"
        " isim soyisim, ad ve soyad, nome e apelido, nominativo, fullstandigt namn, fulde navn,"
        " for og etternavn, for og efternavn, voor en achternaam, koko nimi, etu ja sukunimi,"
        " jmeno a prijmeni, cele jmeno, meno a priezvisko, nume complet, ime i prezime, полное"
        " имя, ονοματεπώνυμο, 全名, 您的姓名, 联系人?, ご氏名, フルネーム, 성함, שם מלא, nama,"
        " nama lengkap,"
        " ชื่อ นามสกุล, नाम, पूरा नाम, نام و نام خانوادگی"
    ),
    FAMILY_NAME_FIRST: _listed(
        "last name first name, last name and first name, last first name, last and first name,"
        " surname and name, surname name, surname first name, family name given name, family name"
        " first, name vorname, nachname vorname, nachname und vorname, familienname vorname, name"
        " und vorname, nom et prenom, nom et prenoms, nom prenom, nom prenoms, nom de famille et"
        " prenom, apellidos y nombre, apellidos y nombres, apellido y nombre, apellidos nombre,"
        " apellido nombre, cognome e nome, cognome nome, apelido e nome, sobrenome e nome,"
        " achternaam voornaam, achternaam en voornaam, naam en voornaam, naam voornaam, efternamn"
        " fornamn, efternamn och fornamn, etternavn fornavn, etternavn og fornavn, efternavn"
        " fornavn, efternavn og fornavn, sukunimi etunimi, sukunimi ja etunimi, nazwisko i imie,"
        " nazwisko imie, prijmeni a jmeno, prijmeni jmeno, priezvisko a meno, priezvisko meno,"
        " vezeteknev es keresztnev, vezeteknev keresztnev, teljes nev, nev, nume si prenume, nume"
        " prenume, prezime i ime, prezime ime, soyad ad, soyadi adi, soyad ve ad, фио, фамилия"
        " имя отчество, фамилия имя, фамилия и имя, піб, прізвище ім'я по батькові,"
        " прізвище та ім'я, επώνυμο όνομα, ho ten, ho va ten"
    ),
}

# Objects that are an address, and what flat names of one begin with: better ones first. Under
# those with "?" a text is no street.
ADDRESSES: Final = _listed(
    "address, primary address, primary?, default address, default?, address 1?, work address,"
    " work?, business address, business?, office address, office?, mailing address, mailing?,"
    " postal address, postal?, home address, home?, residential address, residence?, billing"
    " address, billing?, shipping address, shipping?, location?, locations?, addresses, street"
    " addresses, contact address, delivery address, other address, other?, adresse, adressen,"
    " adresses,"
    " direccion, indirizzo, endereco, adres, adress, anschrift, adresa, osoite, morada, adr?,"
    " addr?, bill addr?, ship addr?, mail addr?"
)

# What the object has that stands in place of a text, better ones first.
VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "": _listed("display value, value, values, text, string, raw value, label, name"),
    "email": _listed(
        "address, value, email, email address, mail, work, business, primary, default, personal,"
        " home, other, display value, id, endereco, direccion, adresse, indirizzo, adres, adress"
    ),
    "phone": _listed(
        "number, display value, value, free form number, phone, phone number, raw number, e164,"
        " full number, formatted number, sanitized number, normalized number, dialable number,"
        " canonical form, international, national number, formatted, raw, full, mobile, cell, work,"
        " business, office, primary, main, default, home, other, display value"
    ),
    "countryid": _listed(
        "code, iso code, iso2, alpha2, alpha 2, country code, iso, value, display value, name,"
        " country, label, id"
    ),
    "state": _listed(
        "code, abbreviation, state code, region code, province code, value, display value, name,"
        " state, region, province, label"
    ),
    "companyname": _listed(
        "name, company name, display value, display name, value, legal name, company, org name,"
        " razao social, razon social, ragione sociale, nome, nombre, nom, text, title, label,"
        " data, attributes, properties, fields"
    ),
    "jobtitle": _listed("title, display value, value, name, text, label"),
}
# For each field, after those: in answers of forms, rich texts, Avro's unions, Firestore's and
# DynamoDB's documents.
ALSO_VALUES: Final = _listed(
    "plain text, simple text, content, text, answer, answers, text question answer, text answers,"
    " descriptor, string value, integer value, double value, number int, number long, ref name,"
    " string, int, long, double, s, n, t, $"
)
