<?php
// Sends one class with PHP's own SoapClient: send.php ADDRESS KEY CUSTOMER-CODE CUSTOMER-NAME YEAR DAY CREATED.
// Prints what came back as JSON; exit 0 after a confirmation, 3 after a Fault.

declare(strict_types=1);

const AUTORISATIE = 'http://www.edustandaard.nl/leerresultaten/2/autorisatie';
[, $address, $key, $code, $name, $year, $day, $created] = $argv;

$sittings = [];
for ($pupil = 1; $pupil <= 31; $pupil++) {
    $results = [];
    for ($question = 1; $question <= 28; $question++) {
        $results[] = [
            'key' => "L$pupil-V$question",
            'afnamedatum' => $day,
            'toetscode' => 'T1',
            'toetsonderdeelcode' => "V$question",
            'score' => $pupil * $question % 4,
        ];
    }
    $sittings[] = ['leerlingid' => "L$pupil", 'resultaten' => ['resultaat' => $results]];
}
$parts = [];
for ($question = 1; $question <= 28; $question++) {
    $parts[] = ['toetsonderdeelvolgnummer' => $question, 'toetsonderdeelcode' => "V$question"];
}
$message = [
    'school' => ['schooljaar' => $year, 'brincode' => '99XX', 'aanmaakdatum' => $created, 'xsdversie' => '2.2'],
    'toetsafnames' => ['toetsafname' => $sittings],
    'toetsen' => ['toets' => [[
        'toetscode' => 'T1',
        'toetsnaam' => 'Rekenen & tellen',
        'toetsonderdelen' => ['toetsonderdeel' => $parts],
    ]]],
];

$client = new SoapClient("$address?wsdl", ['cache_wsdl' => WSDL_CACHE_NONE, 'connection_timeout' => 30]);
$client->__setSoapHeaders(new SoapHeader(AUTORISATIE, 'autorisatie', [
    'autorisatiesleutel' => $key, 'klantcode' => $code, 'klantnaam' => $name,
]));
try {
    $answer = $client->BrengLeerresultaten($message);
} catch (SoapFault $fault) {
    echo json_encode(['faultcode' => $fault->faultcode, 'message' => $fault->getMessage()]);
    exit(3);
}
echo json_encode(['answer' => $answer]);
