import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models


TEXT = """
CREATE FUNCTION catalog_search_text(title text, summary text, columns text, card text, facets text[])
RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', summary), 'B')
    || setweight(to_tsvector('english', columns), 'C') || setweight(to_tsvector('english', card), 'D')
    || array_to_tsvector(facets)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0006_selling'),
    ]

    operations = [
        TrigramExtension(),
        migrations.RunSQL(TEXT, "DROP FUNCTION catalog_search_text"),
        migrations.CreateModel(
            name='SearchCell',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('facets', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=140), size=None, unique=True)),
                ('listings', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.AddField(
            model_name='listing',
            name='domain',
            field=models.CharField(choices=[('finance', 'finance'), ('health', 'health'), ('retail', 'retail'), ('manufacturing', 'manufacturing'), ('vision', 'vision'), ('other', 'other')], default='other', max_length=13),
        ),
        migrations.CreateModel(
            name='SearchCount',
            fields=[
                ('word', models.CharField(max_length=140, primary_key=True, serialize=False)),
                ('facet', models.CharField(max_length=20)),
                ('listings', models.PositiveIntegerField(default=0)),
            ],
            options={
                'indexes': [models.Index(fields=['facet', '-listings', 'word'], name='search_largest_values')],
            },
        ),
        migrations.CreateModel(
            name='SearchWord',
            fields=[
                ('word', models.CharField(max_length=40, primary_key=True, serialize=False)),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['word'], name='search_word_trigrams', opclasses=['gin_trgm_ops'])],
            },
        ),
        migrations.CreateModel(
            name='SearchEntry',
            fields=[
                ('listing', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='entry', serialize=False, to='catalog.listing')),
                ('text', django.contrib.postgres.search.SearchVectorField()),
                ('facets', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=140), size=None)),
                ('columns', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), size=None)),
                ('seller', models.CharField(max_length=39)),
                ('generator', models.CharField(max_length=120)),
                ('price', models.BigIntegerField()),
                ('rows', models.PositiveBigIntegerField()),
                ('shown_at', models.DateTimeField()),
                ('cell', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='catalog.searchcell')),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=['text'], name='search_text'), models.Index(fields=['-shown_at', '-listing'], name='search_newest'), models.Index(fields=['price', '-listing'], name='search_price'), models.Index(fields=['-rows', '-listing'], name='search_size'), models.Index(fields=['cell', '-shown_at'], name='search_cell'), models.Index(fields=['seller', 'cell'], name='search_seller'), models.Index(fields=['generator', 'cell'], name='search_generator')],
            },
        ),
    ]
