"""The words that are said: common ones of one to four syllables; no numerals, which test sets are made of."""

from __future__ import annotations

__all__ = ["WORDS"]

_ENGLISH = """
about above across after again against air airport alarm album all almost along always amber anchor angle animal answer
apple april arm army around arrow artist attic august autumn baby back badge bag bake balance ball banana band bank
barrel basket bath battery beach bean bear beautiful because become bed bell below belt bench best better between
bicycle big bird birthday bitter black blanket blood blue board boat body bone book border bottle bottom bowl box
branch brave bread breakfast bridge bright bring broken brother brown brush bucket building burn bus busy butter button
cabin cake calendar call camera camp candle captain car carbon card careful carpet carry castle cat catch cave ceiling
chain chair chance change cheap cheese cherry chicken child chimney chocolate church circle city clean clear climb clock
cloud coat coffee coin cold collar color comfort company cook copper corner cotton country courage cousin cover cow
crash cream cross crowd crown cup curtain customer dance danger dark daughter day december deep desert dinner distance
doctor dog dollar door double down dragon draw dream dress drink drive drum dry duck dust early earth east easy edge
egg electric elephant empty energy engine enter evening every examine exit eye face factory fall family farm fast
father feather february field finger finish fire fish flag floor flower fly follow food foot forest forget fork forward
fox free friday friend frog front fruit future galaxy game garage garden garlic gate gentle ghost giant gift girl glass
glove goat gold good grandmother grape grass green ground guitar hair hammer hand happy harbor hat head heart heavy
helicopter hello help hill history hold holiday honey horse hospital hotel house hungry ice idea inside iron island
jacket january job joke journey juice july jump june jungle keep key kind king kitchen kite knife ladder lake lamp
language laugh leaf learn leather left lemon letter library light lion lip listen little lock lonely long lunch machine
magic mail manager map march market marvelous meadow measure medicine melody metal midnight milk minute mirror money
monkey moon morning mother mountain mouse mouth movie music nail name narrow nature needle never night noise north
november number object ocean october office oil old onion open orange ordinary outside oven owner page paint palace
paper parade pardon parent park party pencil people pepper perfect picture pillow pilot planet plastic plate play
please pocket police potato power present prince problem pull pumpkin purple push quarter queen question quick quiet
rabbit radio railway rain rainbow ready red remember repeat rescue rest rice right river road robot rocket roof room
rose round sail salt sand saturday school science scissors sea secret september shadow sharp sheep shell ship shirt
shoe shop short shoulder shovel silver simple sister sky sleep slow small smile smoke snake snow soap soft soldier song
south space spider spoon spring square stable stairs star station steam stone stop storm story strange street strong
student sugar summer sunday sunrise sweet table tail tall teacher temple tent thunder thursday ticket tiger today
together tomorrow tongue tower train travel tree trouble truck true tuesday tunnel turn umbrella uncle under valley
vegetable victory village violin voice volcano wait walk wall warm water weather wednesday wheel whisper white wide
wind window winter wish wolf wonder wood word world write yellow yes yesterday young zebra
"""
_GERMAN = """
abend apfel arbeit auge baum berg blume brot bruder brunnen dorf eisen erde fenster feuer finger fisch flasche freund
fuchs garten geld glas haus herz himmel holz hund insel kaffee katze kind kirche koffer kraft laterne leben licht luft
mantel meer mensch milch mond mutter nacht nebel pferd quelle regen ring schiff schlange schule schwarz silber sonne
spiegel sprache stadt stein stern stimme strasse tasche tisch treppe vater vogel wald wasser weg wind winter wolke zeit
zucker zwiebel
"""
_FRENCH = """
arbre argent bateau blanc bonjour bouche bouteille chaise chanson chapeau chat cheval ciel clef coeur couleur demain
douceur eau enfant escalier femme feu fleur froid fromage gauche grand herbe hiver homme jardin jaune jour lait lampe
livre lumière lune main maison manteau matin merci montagne musique neige noir nuage nuit oiseau orage pain papier
pierre pluie pomme pont porte rivière rouge route soleil sucre table temps terre verre vert village visage voiture voix
"""
_SPANISH = """
agua amigo arena azul barco blanco boca bosque botella brazo cabeza calle camino campana campo casa cielo ciudad cocina
corazón cuchara cuchillo dinero espejo estrella fuego gato hermano hielo hoja hombre jardín leche libro llave lluvia
luna luz madera madre mano manzana mar mesa montaña mujer mundo música naranja negro nieve niño noche nube padre palabra
pan papel perro piedra plata playa puente puerta queso rojo sal silla sol sombra tiempo tierra ventana verde viento voz
"""

WORDS: dict[str, tuple[str, ...]] = {
    "en": tuple(_ENGLISH.split()),
    "de": tuple(_GERMAN.split()),
    "fr": tuple(_FRENCH.split()),
    "es": tuple(_SPANISH.split()),
}
"""Words by language."""
