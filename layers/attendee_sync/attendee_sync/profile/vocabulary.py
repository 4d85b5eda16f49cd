"""Vocabulary: words that names are made of, and what an object is called that holds somebody.

Imports the standard library alone, since ingest uses it.
"""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# An object holds the person if all the words of its name are among these: `contactInfo`,
# `user_attributes`, `data`. Never is it somebody else's, such as `manager` or `company_owner`.
PERSONS: Final = _words(
    "alumnus applicant athlete attendee buyer camper candidate citizen client consumer contact"
    " contestant customer delegate donor employee enrollee entrant fan guest holder individual"
    " invitee lead learner member participant passenger patient patron person player profile"
    " prospect pupil purchaser recipient registrant resident respondent runner shopper student"
    " subscriber trainee traveler traveller user usr visitor volunteer worker"
    " ansprechpartner ansprechpartnerin ansprechperson benutzer besucher besucherin bewerber gast"
    " interessent kontakt kontaktperson kunde kundin mitarbeiter mitarbeiterin mitglied nutzer"
    " person studierende teilnehmende teilnehmender teilnehmer teilnehmerin"
    " abonne adherent etudiant inscrit interlocuteur invite membre participante personne"
    " utilisateur visiteur"
    " abonado alumno asistente cliente contacto empleado inscrito interesado invitado miembro"
    " persona suscriptor usuario"
    " aluno contato convidado funcionario membro pessoa utilizador"
    " contatto dipendente iscritto ospite partecipante studente utente"
    " bezoeker contactpersoon deelnemer gebruiker klant medewerker persoon"
    " anvandare besokare deltagare deltager kontaktperson kund medlem bruger bruker deltaker"
    " gaest gjest kayttaja osallistuja asiakas henkilo jasen vieras"
    " gosc klient osoba pracownik uczestnik uzytkownik ucastnik uzivatel zakaznik resztvevo"
    " szemely ugyfel vendeg katilimci kisi kullanici misafir musteri uye"
    " клиент контакт гость пользователь участник клієнт учасник"
    " 参加者 参会者 顧客 お客様 会員 客户 用户 联系人 会员 참가자 고객 회원"
)
ATTENDING: Final = _words(
    "attendee camper delegate enrollee participant pupil registrant student"
    " teilnehmende teilnehmender teilnehmer teilnehmerin deltagare deltager deltaker participante"
    " asistente inscrito inscrit partecipante iscritto deelnemer osallistuja uczestnik ucastnik"
    " resztvevo katilimci участник учасник 参加者 参会者 참가자"
)
PEOPLE: Final = frozenset({"people", "personnel", "staff"})
BESIDE_PEOPLE: Final = frozenset({"active", "all", "audience", "list", "matched", "segment"})
CONTAINERS: Final = _words(
    "additional after and answer answers attribute attributes basic body bundle"
    " cell cells characteristics column component components core crm ctx current custom data"
    " demographic demographics detail details entity envelope extra field fields form general"
    " hcard identification identifiers info infos information input item keys merge merges new"
    " node obj object output outputs parameters params payload personal point primary"
    " professional properties property props question questions record registration resource"
    " response root sobject responses result row set submission trait traits udo values"
    " variables vars vcard xdm"
)
HOLDERS: Final = PERSONS | CONTAINERS
# With one of these, a name such as `name` or `title` is that of a thing.
THINGS: Final = CONTAINERS - {"current", "main", "primary", "professional", "personal"}
# Words that only beside one for a person are of an object that holds it: `user_metadata`.
BESIDE_PERSONS: Final = frozenset({"meta", "metadata", "raw", "sign", "up"})
# Likewise beside one for a container, such as `afData` or `parsedBody`, but not beside one for a
# person: a `channelContact` or `triggerUser` is somebody else.
BESIDE_CONTAINERS: Final = _words(
    "af bound channel cleaned decoded dynamic enriched extended extension flat flattened formatted"
    " mapped normalised normalized parsed personalisation personalization standard submitted"
    " substitution template transformed trigger unbound unified"
)
# Beside one for a person they tell what is done: `CreateContactRequest`, `customerCreate`.
COMMANDS: Final = _words(
    "add create enrol enroll identify import insert put register save send submit subscribe sync"
    " track update upsert"
)
OPERATORS: Final = _words("agent employee member person user usr worker")  # who does something
# Their words are no such words, but their members are the person's.
HOLDER_NAMES: Final = frozenset(
    {"dynamodb", "fulldocument", "identity", "target", "telecom", "contactpoints", "contactmethods"}
    | {"claims", "cleanedrequest", "communications", "namedvalues", "newimage", "pages", "sobject"}
    | {"accountholder", "individualaccount", "personaccount", "useraccount"}
    | {"n", "useridentities"}
)
# Of these only what holds a person is read: their own texts are of something else.
PASSED_THROUGH: Final = (
    *("audiences", "content", "context", "event", "form", "message", "notification", "request"),
    *("auth", "createdevent", "updatedevent"),
)
# Likewise of what the name is made of these words and of such for containers: `messageBody`.
PASSED_WORDS: Final = _words(
    "application appointment argument arguments args booking call callback case checkout command"
    " content context deal doc document donation dto enquiry enrollment enrolment"
    " entry flow form frame hook in inbound inner inquiry invitation invoice job json"
    " meeting membership message model msg notification notifications op"
    " operation opportunity order outbound output packet purchase raw request reservation rsvp"
    " signup subject subscription task ticket transaction value visit webhook wrapper"
)
WITHIN_PASSED: Final = PERSONS | {"traits", "answers", "fields", "responses", "xdm"}
PASSED_WITHIN: Final = CONTAINERS.union(PASSED_THROUGH) - WITHIN_PASSED
NOBODYS: Final = frozenset({"_envelope", "_links", "_meta"})  # objects, but no tenant's

# Words that a name may begin or end with, without another meaning.
LEADING: Final = HOLDERS | _words(
    "your my the please enter provide what is s whats ihre ihr votre su c q"
    " att attr cf cus cust custom emp fld frm hs inp mbr reg ssot stu txt udf"
)
TRAILING: Final = _words(
    "text required optional value values field c no nr 1 pflichtfeld work business"
    " office home personal private primary main mobile cell professional corporate"
    " professionnel professionnelle personnel personnelle profesional profissional"
    " corporativo laboral aziendale geschaftlich dienstlich beruflich privat mobil"
    " zakelijk personale privato privata pessoal comercial particular travail trabajo"
    " trabalho lavoro ufficio arbeit werk arbete jobb praca sluzbowy prywatny"
)
# With one of these at its end, a name counts behind those of work.
PRIVATE: Final = _words(
    "home personal private personnel personnelle privat personale privato privata"
    " pessoal particular prywatny"
)
# Beside one for a container, such as `workInfo`, these are for the person's company and job.
WORK: Final = _words(
    "business career company employer employment job occupation organisation organization work"
)
# Of these, the `name` may be a job's or a company's, and is nobody's.
OF_JOB: Final = frozenset({"jobdetails", "jobinfo", "jobinformation"})
ROLES: Final = _words("role roles rol roll ruolo")  # names of job titles, or of such roles
OR: Final = _words("or oder ou o lub eller tai nebo veya")
# A name that asks the person holds one of these. It is known by the one name in it, if there are
# only words of the next two sets around that: "Which company do you work for?". What is answered
# by yes or no begins with none of them.
ASKED: Final = _words(
    "you your please ihr ihre ihrem ihren ihrer ihres sie votre vous su usted"
    " trabaja suo sua tua tuo lavora seu voce trabalha uw u je din ditt du"
    " tu tus dein deine deinem deiner trabajas vive vives reside resides encuentra ocupa ocupas"
    " desempena desempenas lavori vivi abita abiti risiedi risiede ricopri ricopre mora moras"
    " trabalhas us we"
)
BEFORE_ASKED: Final = _words(
    "which what whats who in for at from with of s the is your best name"
    " please enter tell us provide give welchem welches welcher welche wie lautet"
    " heisst ist ihr ihre ihrem ihren ihrer ihres fur bei aus der die das quel"
    " quelle est votre dans pour la le l de nom cual es el su en que para"
    " nombre qual quale e il suo sua tuo tua per o a seu em nome wat uw je"
    " welk welke bij voor van het naam vad vilket vilken ar heter i pa din ditt"
    " hvilken hvilket hvad er select choose indicate specify confirm current was unter an"
    " welchen welches dein deine deinem deiner ihres aux quels quelles tu tus cuales son donde"
    " che quale quali nella nel della dell del da do"
)
BEHIND_ASKED: Final = _words(
    "do you work working for at with in are is based located from live living"
    " reside represent currently employed by to reach as it should appear on your"
    " the badge please arbeiten wohnen leben kommen sie sind tatig travaillez vous"
    " habitez vivez trabaja vive reside representa usted lavora vive risiede"
    " trabalha mora voce werkt woont u werk woon je arbetar jobbar bor du"
    " where we can us joining representing affiliated currently should use our"
    " residez etes base basee domicilie domiciliee situe situee exercez occupez e actuellement"
    " peut on joindre pouvons nous ansassig wohnst lebst arbeitest kommst bist beschaftigt haben"
    " bekleiden erreichbar erreichen wir derzeit aktuell trabajas vives resides encuentra"
    " encuentras se esta ubicado ubicada tiene tienes ocupa ocupas desempena desempenas actual"
    " actualmente lavori vivi abita abiti risiedi ricopri ricopre attualmente residente moras"
    " trabalhas atual atualmente ben bent gevestigd bekleedt bekleed heeft hebt vervult momenteel"
    " pa for bosatt arbejder i"
)
# With one of these, a name tells of somebody or something else.
OTHER_PERSONS: Final = _words(
    "manager supervisor boss owner organizer organiser sender referrer referral"
    " referred referrals assistant emergency parent guardian spouse partner sponsor"
    " host creator agent rep salesperson inviter speaker support admin vendor"
    " exhibitor assignee approver reviewer watcher author cashier coach instructor"
    " presenter seller supplier teacher trainer payer payor mother father mom dad mum"
    " responsable vorgesetzter vorgesetzte betreuer betreuerin vertreter chef chefin mutter vater"
    " jefe jefa gerente superior madre padre responsabile superiore leidinggevende mere pere"
    " przelozony zahler pagador payeur pagante"
)
OTHERS: Final = OTHER_PERSONS | _words(
    "created updated modified deleted event planner venue hometown session old"
    " previous before reply type status opt consent verified valid hash sha256 md5"
)
