# Sends one class with SOAP::Lite: send.pl ADDRESS KEY CUSTOMER-CODE CUSTOMER-NAME YEAR DAY CREATED.
# Prints what came back as JSON; exit 0 after a confirmation, 3 after a Fault.
#
# Its service() names the root after the operation, which is not document/literal. So, as its users do, address and
# action are taken from the WSDL and the message is built by hand. Without types (xsi:type) it escapes nothing itself.

use strict;
use warnings;
use JSON::PP;
use SOAP::Lite;

my $RESULTS = 'http://www.edustandaard.nl/leerresultaten/2/leerresultaten';
my $AUTORISATIE = 'http://www.edustandaard.nl/leerresultaten/2/autorisatie';
my ($address, $key, $code, $name, $year, $day, $created) = @ARGV;

sub parent { my ($tag, @children) = @_; return SOAP::Data->name($tag => \SOAP::Data->value(@children)) }

my @sittings = map {
    my $pupil = $_;
    my @results = map {
        parent('resultaat',
            SOAP::Data->name(afnamedatum => $day),
            SOAP::Data->name(toetscode => 'T1'),
            SOAP::Data->name(toetsonderdeelcode => "V$_"),
            SOAP::Data->name(score => $pupil * $_ % 4),
        )->attr({ key => "L$pupil-V$_" })
    } 1 .. 28;
    parent('toetsafname', SOAP::Data->name(leerlingid => "L$pupil"), parent('resultaten', @results))
} 1 .. 31;
my @parts = map {
    parent('toetsonderdeel',
        SOAP::Data->name(toetsonderdeelvolgnummer => $_),
        SOAP::Data->name(toetsonderdeelcode => "V$_"),
    )
} 1 .. 28;
my @message = (
    parent('school',
        SOAP::Data->name(schooljaar => $year),
        SOAP::Data->name(brincode => '99XX'),
        SOAP::Data->name(aanmaakdatum => $created),
        SOAP::Data->name(xsdversie => '2.2'),
    ),
    parent('toetsafnames', @sittings),
    parent('toetsen', parent('toets',
        SOAP::Data->name(toetscode => 'T1'),
        SOAP::Data->name(toetsnaam => SOAP::Utils::encode_data('Rekenen & tellen')),
        parent('toetsonderdelen', @parts),
    )),
);
my $header = SOAP::Header->name(autorisatie => \SOAP::Data->value(
    SOAP::Data->name(autorisatiesleutel => $key),
    SOAP::Data->name(klantcode => $code),
    SOAP::Data->name(klantnaam => $name),
))->attr({ xmlns => $AUTORISATIE });

my $services = SOAP::Schema->new(schema_url => "$address?wsdl")->parse->services;
my $described = $services->{LeerresultatenService}{BrengLeerresultaten};
my $client = SOAP::Lite->proxy($described->{endpoint}->value)->autotype(0);
$client->on_action(sub { '"' . $described->{soapaction}->value . '"' });
$client->on_fault(sub { my ($self, $answer) = @_; die "$answer\n" unless ref $answer; return $answer });

my $root = SOAP::Data->name('leerresultaten_verzoek')->attr({ xmlns => $RESULTS });
my $answer = $client->call($root => @message, $header);
if ($answer->fault) {
    print encode_json({ faultcode => $answer->faultcode, message => $answer->faultstring });
    exit 3;
}
print encode_json({ answer => (keys %{ $answer->body })[0] });
